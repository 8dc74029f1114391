import { listAccounts as readAccounts, listUsers as readUsers } from '../../db/accounts.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { ACCOUNT, accountView, userView } from '../views/account.js';

const { listall, domainid, isrecursive } = OWNERSHIP;

export const listAccounts = command({
  name: 'listAccounts',
  description: 'Lists accounts and provides detailed account information for listed accounts',
  roles: EVERYONE,
  params: {
    id: p.uuid('account', { description: 'list account by account ID' }),
    name: p.string({ description: 'list account by account name' }),
    accounttype: p.integer({
      description: 'list accounts by account type: 0 user, 1 admin, 2 domain admin, 3 resource admin',
    }),
    state: p.string({ description: 'list accounts by state: enabled, disabled or locked' }),
    listall,
    domainid,
    isrecursive,
    ...PAGING,
  },
  response: ACCOUNT,
  isList: true,
  async handler(ctx, params) {
    const owners = await ownersOf(ctx, params, params.id !== undefined);
    const { count, rows } = await readAccounts(
      ctx.db,
      { ...params, type: params.accounttype, owners },
      await pageOf(ctx, params),
    );
    const users = await readUsers(
      ctx.db,
      { accountIds: rows.map(({ uuid }) => uuid), owners: { kind: 'all' } },
      { offset: 0 },
    );
    const { caller } = ctx;
    return list(
      count,
      rows.map((row) => {
        const own = users.rows.filter((user) => user.account_id === row.uuid);
        return accountView(row, own.map((user) => userView(user, caller.role === 'A' || caller.user.uuid === user.uuid))); // prettier-ignore
      }),
    );
  },
});
