import { command, EVERYONE, object } from '../command.js';
import { storeKeyPair } from '../key-pairs.js';
import { OWNER, p } from '../params.js';
import { KEY_PAIR, keyPairView } from '../views/key-pair.js';

export const registerSSHKeyPair = command({
  name: 'registerSSHKeyPair',
  description: 'Register a public key in a keypair under a certain name',
  roles: EVERYONE,
  params: {
    name: p.string({ description: 'Name of the keypair', required: true, length: 191 }),
    publickey: p.string({ description: 'Public key material of the keypair', required: true, length: 5120 }),
    ...OWNER,
  },
  response: KEY_PAIR,
  async handler(ctx, params) {
    return object(keyPairView(await storeKeyPair(ctx, params, params.publickey, 'REGISTER.SSH.KEYPAIR')));
  },
});
