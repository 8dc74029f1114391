import { command, EVERYONE } from '../command.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { listed } from '../user-data.js';
import { USER_DATA } from '../views/user-data.js';

export const listUserData = command({
  name: 'listUserData',
  description: 'Lists the user data of the account',
  since: '4.18',
  roles: EVERYONE,
  params: {
    id: p.uuid('userData', { description: 'the ID of the user data' }),
    name: p.string({ description: 'name of the user data, exactly' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: USER_DATA,
  isList: true,
  handler: async (ctx, params) => listed(ctx, false, params, await pageOf(ctx, params)),
});
