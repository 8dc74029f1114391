import { command, EVERYONE, object } from '../command.js';
import { generateKeyPair, storeKeyPair } from '../key-pairs.js';
import { OWNER, p } from '../params.js';
import { CREATED_KEY_PAIR, keyPairView } from '../views/key-pair.js';

/** The private key is in the answer and nowhere else. */
export const createSSHKeyPair = command({
  name: 'createSSHKeyPair',
  description: 'Create a new keypair and returns the private key',
  roles: EVERYONE,
  params: { name: p.string({ description: 'Name of the keypair', required: true, length: 191 }), ...OWNER },
  response: CREATED_KEY_PAIR,
  async handler(ctx, params) {
    const pair = generateKeyPair(params.name);
    const row = await storeKeyPair(ctx, params, pair.public, 'CREATE.SSH.KEYPAIR');
    return object({ ...keyPairView(row), privatekey: pair.private });
  },
});
