import { addAccount } from '../../db/add-account.js';
import { listAccounts, listUsers } from '../../db/accounts.js';
import { fault } from '../../workflows/model/fault.js';
import { command, object, type Role } from '../command.js';
import { accessibleDomain } from '../ownership.js';
import { p } from '../params.js';
import { actorOf } from '../project-rights.js';
import { ACCOUNT, accountView, userView } from '../views/account.js';

/** Nobody makes an account that may do more than he himself. */
const TYPES: Readonly<Record<Role, readonly number[]>> = { A: [0, 1, 2, 3], R: [0], D: [0, 2], U: [] };

export const NEW_USER = {
  username: p.string({ description: 'user name, unique in this service', required: true, length: 150 }),
  password: p.string({ description: 'password, in clear', required: true, sensitive: true }),
  email: p.string({ description: 'email', required: true }),
  firstname: p.string({ description: 'firstname', required: true }),
  lastname: p.string({ description: 'lastname', required: true }),
};

export const createAccount = command({
  name: 'createAccount',
  description: 'Creates an account with its first user',
  roles: ['A', 'R', 'D'],
  params: {
    ...NEW_USER,
    account: p.string({ description: 'name of the account; default: the user name', length: 90 }),
    accounttype: p.integer({
      description: 'type of the account: 0 user (default), 1 root admin, 2 domain admin, 3 resource admin',
    }),
    domainid: p.uuid('domain', { description: "the account's domain; default: the caller's" }),
  },
  response: ACCOUNT,
  async handler(ctx, asked) {
    const domain = asked.domainid === undefined ? ctx.caller.domain : await accessibleDomain(ctx, asked.domainid);
    const type = asked.accounttype ?? 0;
    if (!TYPES[ctx.caller.role].includes(type))
      throw fault(
        'PermissionDenied',
        `Caller may make accounts of type ${TYPES[ctx.caller.role].join(', ')}, not ${type}`,
      );
    const name = asked.account ?? asked.username;
    const made = await addAccount(ctx.db, { name, type, domain, user: asked, actor: actorOf(ctx) });
    if ('taken' in made)
      throw fault(
        'BadParameter',
        made.taken === 'username'
          ? `The user ${asked.username} already exists`
          : `The account ${name} already exists in domain ${domain.name}`,
      );
    const all = { owners: { kind: 'all' } } as const;
    const { rows } = await listAccounts(ctx.db, { id: made.uuid, ...all }, { limit: 1, offset: 0 });
    const users = await listUsers(ctx.db, { accountIds: [made.uuid], ...all }, { offset: 0 });
    return object(accountView(rows[0]!, users.rows.map((user) => userView(user, false)))); // prettier-ignore
  },
});
