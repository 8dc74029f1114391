import { listUsers } from '../../db/accounts.js';
import { fault } from '../../workflows/model/fault.js';
import { ADMIN, command, object } from '../command.js';
import { p } from '../params.js';
import { USER, userView } from '../views/account.js';

export const getUser = command({
  name: 'getUser',
  description: 'Find user account by API key',
  roles: ADMIN,
  params: { userapikey: p.string({ description: 'API key of the user', required: true }) },
  response: USER,
  async handler(ctx, { userapikey }) {
    const { rows } = await listUsers(ctx.db, { apiKey: userapikey, owners: { kind: 'all' } }, { limit: 1, offset: 0 });
    if (!rows[0]) throw fault('BadParameter', 'User with specified API key does not exist');
    return object(userView(rows[0], true));
  },
});
