import { deleteVlan } from '../../db/vlans.js';
import { fault } from '../../workflows/model/fault.js';
import { ADMIN, command, success } from '../command.js';
import { operatorOf } from '../operator.js';
import { p } from '../params.js';

export const deleteVlanIpRange = command({
  name: 'deleteVlanIpRange',
  description: 'Deletes a range of public addresses that are all free',
  roles: ADMIN,
  params: { id: p.uuid('addressRange', { description: 'the ID of the range', required: true }) },
  response: 'success',
  async handler(ctx, { id }) {
    const problem = await deleteVlan(ctx.db, id, operatorOf(ctx));
    if (problem !== undefined) throw fault('BadParameter', problem);
    return success();
  },
});
