import { listKeyPairs } from '../../db/keypairs.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { keyPairView, SSH_KEY_PAIR } from '../views/key-pair.js';

export const listSSHKeyPairs = command({
  name: 'listSSHKeyPairs',
  description: 'List registered keypairs',
  roles: EVERYONE,
  params: {
    id: p.uuid('keyPair', { description: 'the ID of the ssh keypair' }),
    name: p.string({ description: 'a key pair name to look for' }),
    fingerprint: p.string({ description: 'a public key fingerprint to look for' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: SSH_KEY_PAIR,
  isList: true,
  async handler(ctx, params) {
    const owners = await ownersOf(ctx, params, params.id !== undefined);
    const { count, rows } = await listKeyPairs(ctx.db, { ...params, owners }, await pageOf(ctx, params));
    return list(count, rows.map(keyPairView)); // prettier-ignore
  },
});
