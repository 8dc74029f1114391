import { addUser } from '../../db/add-account.js';
import { listUsers } from '../../db/accounts.js';
import { findAccount } from '../../db/owners.js';
import { fault } from '../../workflows/model/fault.js';
import { command, object } from '../command.js';
import { accessibleDomain, assertAccess } from '../ownership.js';
import { p } from '../params.js';
import { actorOf } from '../project-rights.js';
import { USER, userView } from '../views/account.js';
import { NO_ACCESS } from '../wire/errors.js';
import { NEW_USER } from './create-account.js';

/** Types of accounts from the weakest on: a user of an account may do what the account may. */
const MIGHT: Readonly<Record<number, number>> = { 0: 0, 3: 1, 2: 2, 1: 3 };

export const createUser = command({
  name: 'createUser',
  description: 'Creates another user of an account',
  roles: ['A', 'R', 'D'],
  params: {
    ...NEW_USER,
    account: p.string({ description: 'name of the account', required: true }),
    domainid: p.uuid('domain', { description: "the account's domain; default: the caller's" }),
  },
  response: USER,
  async handler(ctx, asked) {
    const domain = asked.domainid === undefined ? ctx.caller.domain : await accessibleDomain(ctx, asked.domainid);
    const account = await findAccount(ctx.db, asked.account, domain.uuid);
    if (!account || account.project_id !== null)
      throw fault('BadParameter', `Unable to find account ${asked.account} in domain ${domain.name}`);
    await assertAccess(ctx, account.uuid);
    if ((MIGHT[account.type] ?? 0) > (MIGHT[ctx.caller.account.type] ?? 0)) throw fault('PermissionDenied', NO_ACCESS);
    const made = await addUser(ctx.db, account, asked, actorOf(ctx));
    if ('taken' in made) throw fault('BadParameter', `The user ${asked.username} already exists`);
    const { rows } = await listUsers(ctx.db, { id: made.uuid, owners: { kind: 'all' } }, { limit: 1, offset: 0 });
    return object(userView(rows[0]!, false));
  },
});
