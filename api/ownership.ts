import { accountDomain, findAccount, isWithin, type Owners } from '../db/owners.js';
import type { Db } from '../db/knex.js';
import { fault } from '../workflows/model/fault.js';
import type { Caller, Context } from './command.js';
import { NO_ACCESS } from './wire/errors.js';

export interface OwnershipParams {
  listall?: boolean;
  account?: string;
  domainid?: string;
  isrecursive?: boolean;
  projectid?: string;
}

const own = (caller: Caller): Owners => ({ kind: 'account', accountId: caller.account.uuid });
const allowed = (caller: Caller): Owners => {
  if (caller.role === 'A') return { kind: 'all' };
  return caller.role === 'U' ? own(caller) : { kind: 'subtree', path: caller.domain.path };
};

/** Whether the caller owns, or administers the owner of, what the account owns. */
export async function mayAccess(db: Db, caller: Caller, accountId: string): Promise<boolean> {
  if (caller.role === 'A' || caller.account.uuid === accountId) return true;
  if (caller.role === 'U') return false;
  const domain = await accountDomain(db, accountId);
  return domain !== undefined && isWithin(domain.path, caller.domain.path);
}

/** Throws `PermissionDenied` unless the caller may act on what the account owns. */
export async function assertAccess(ctx: Pick<Context, 'db' | 'caller'>, accountId: string): Promise<void> {
  if (!(await mayAccess(ctx.db, ctx.caller, accountId))) throw fault('PermissionDenied', NO_ACCESS);
}

async function accessibleDomain(ctx: Context, domainId: string): Promise<{ uuid: string; name: string; path: string }> {
  const { caller, db } = ctx;
  const domain = await db('domain')
    .where({ uuid: domainId })
    .first<{ uuid: string; name: string; path: string } | undefined>('uuid', 'name', 'path');
  if (!domain) throw fault('BadParameter', `Domain id=${domainId} doesn't exist`);
  const within = caller.role === 'U' ? caller.domain.uuid === domainId : isWithin(domain.path, caller.domain.path);
  if (caller.role !== 'A' && !within) throw fault('PermissionDenied', NO_ACCESS);
  return domain;
}

async function accountIn(ctx: Context, name: string, domain: { uuid: string; name: string }): Promise<string> {
  const account = await findAccount(ctx.db, name, domain.uuid);
  if (!account) throw fault('BadParameter', `Unable to find account ${name} in domain ${domain.name}`);
  await assertAccess(ctx, account.uuid);
  return account.uuid;
}

/**
 * Whose objects a list shows (`api.md` §1.6). `byId`: the caller named one object, which he may see wherever he could with
 * `listall`. There are no projects, so the projects of a caller hold nothing.
 */
export async function ownersOf(ctx: Context, params: OwnershipParams, byId = false): Promise<Owners> {
  const { caller } = ctx;
  if (params.account !== undefined && params.projectid !== undefined) {
    throw fault('BadParameter', "Account and projectId can't be specified together");
  }
  if (params.projectid !== undefined) return params.listall ? allowed(caller) : { kind: 'none' };
  if (params.account !== undefined) {
    const domain = params.domainid === undefined ? caller.domain : await accessibleDomain(ctx, params.domainid);
    return { kind: 'account', accountId: await accountIn(ctx, params.account, domain) };
  }
  if (params.domainid !== undefined) {
    const domain = await accessibleDomain(ctx, params.domainid);
    if (caller.role === 'U') return own(caller);
    return params.isrecursive ? { kind: 'subtree', path: domain.path } : { kind: 'domain', domainId: domain.uuid };
  }
  return params.listall || byId ? allowed(caller) : own(caller);
}

/** The account that something new belongs to: the caller's, or the one named with its domain. */
export async function newOwner(
  ctx: Context,
  params: Pick<OwnershipParams, 'account' | 'domainid' | 'projectid'>,
): Promise<{ accountId: string; domainId: string }> {
  const { caller } = ctx;
  if (params.account !== undefined && params.projectid !== undefined)
    throw fault('BadParameter', "Account and projectId can't be specified together");
  if (params.projectid !== undefined) throw fault('BadParameter', `Unable to find project by id ${params.projectid}`);
  if (params.account === undefined) return { accountId: caller.account.uuid, domainId: caller.domain.uuid };
  if (params.domainid === undefined) throw fault('BadParameter', 'Account must be specified with domainId parameter');
  const domain = await accessibleDomain(ctx, params.domainid);
  return { accountId: await accountIn(ctx, params.account, domain), domainId: domain.uuid };
}
