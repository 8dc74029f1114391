import { replaceKeys } from '../../db/accounts.js';
import { command, EVERYONE, object } from '../command.js';
import { p } from '../params.js';
import { ownerOfKeys } from '../user-keys.js';
import { USER_KEYS } from '../views/account.js';

export const registerUserKeys = command({
  name: 'registerUserKeys',
  description: 'Gives a user new API and secret keys; the old ones stop working',
  roles: EVERYONE,
  params: { id: p.uuid('user', { description: 'User id', required: true }) },
  response: USER_KEYS,
  async handler(ctx, { id }) {
    const { apikey, secretkey } = await replaceKeys(
      ctx.db,
      ctx.sealer,
      await ownerOfKeys(ctx, id),
      ctx.caller.user.uuid,
    );
    return object({ apikey, secretkey: secretkey.reveal() });
  },
});
