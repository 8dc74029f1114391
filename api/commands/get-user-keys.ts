import { readApiKey } from '../../db/accounts.js';
import { readSecret } from '../../db/secret.js';
import { command, EVERYONE, object } from '../command.js';
import { p } from '../params.js';
import { ownerOfKeys } from '../user-keys.js';
import { USER_KEYS } from '../views/account.js';

export const getUserKeys = command({
  name: 'getUserKeys',
  description: 'Retrieves the API and secret keys of a user',
  roles: EVERYONE,
  params: { id: p.uuid('user', { description: 'ID of the user whose keys are required', required: true }) },
  response: USER_KEYS,
  async handler(ctx, { id }) {
    const { user } = await ownerOfKeys(ctx, id);
    const secretkey = await readSecret(ctx.db, ctx.sealer, `user/${user.uuid}`, 'secretkey');
    return object({ apikey: await readApiKey(ctx.db, user.uuid), secretkey: secretkey?.reveal(), apikeyaccess: true });
  },
});
