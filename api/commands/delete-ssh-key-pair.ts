import { deleteKeyPair } from '../../db/keypairs.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE, success } from '../command.js';
import { newOwner } from '../ownership.js';
import { OWNER, p } from '../params.js';

export const deleteSSHKeyPair = command({
  name: 'deleteSSHKeyPair',
  description: 'Deletes a keypair by name',
  roles: EVERYONE,
  params: { name: p.string({ description: 'Name of the keypair', required: true }), ...OWNER },
  response: 'success',
  async handler(ctx, params) {
    const owner = { ...(await newOwner(ctx, params)), userId: ctx.caller.user.uuid };
    if (!(await deleteKeyPair(ctx.db, owner, params.name))) {
      throw fault('BadParameter', `A key pair with name '${params.name}' does not exist for the account.`);
    }
    return success();
  },
});
