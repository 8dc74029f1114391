import { listUsers as readUsers } from '../../db/accounts.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { USER, userView } from '../views/account.js';

const { listall, account, domainid, isrecursive } = OWNERSHIP;

export const listUsers = command({
  name: 'listUsers',
  description: 'Lists user accounts',
  roles: EVERYONE,
  params: {
    id: p.uuid('user', { description: 'List user by ID' }),
    username: p.string({ description: 'List user by the username' }),
    accounttype: p.integer({
      description: 'List users by account type: 0 user, 1 admin, 2 domain admin, 3 resource admin',
    }),
    state: p.string({ description: 'List users by state of the user account' }),
    listall,
    account,
    domainid,
    isrecursive,
    ...PAGING,
  },
  response: USER,
  isList: true,
  async handler(ctx, params) {
    const owners = await ownersOf(ctx, params, params.id !== undefined);
    const { count, rows } = await readUsers(
      ctx.db,
      { ...params, type: params.accounttype, owners },
      await pageOf(ctx, params),
    );
    return list(count, rows.map((row) => userView(row, ctx.caller.role === 'A' || ctx.caller.user.uuid === row.uuid))); // prettier-ignore
  },
});
