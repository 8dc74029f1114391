import { accountKeyPair } from '../../db/account-key.js';
import { command, EVERYONE, object, responseObject } from '../command.js';
import { newOwner } from '../ownership.js';
import { OWNER } from '../params.js';

const SERVICE_KEY = responseObject('servicesshkey', {
  publickey: ['string', 'public key of this service: a line for authorized_keys'],
  user: [
    'string',
    'the user of the machine whose authorized_keys it belongs into; he may become root without a password',
  ],
});

/** Machines that `deployVirtualMachine` makes have the key already; those that a user brings need it before they are added. */
export const getServiceSshKey = command({
  name: 'getServiceSshKey',
  description: "Shows the public key with which this service reaches the owner's machines; an extension",
  roles: EVERYONE,
  params: OWNER,
  response: SERVICE_KEY,
  async handler(ctx, asked) {
    const { accountId } = await newOwner(ctx, asked);
    const { public: publickey } = await accountKeyPair(ctx.db, ctx.sealer, accountId);
    return object({ publickey: publickey.trim(), user: 'cloud' });
  },
});
