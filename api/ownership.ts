import { accountDomain, findAccount, isWithin, type Owners } from '../db/owners.js';
import type { Db } from '../db/knex.js';
import { projectAccountsOf, readProject } from '../db/projects.js';
import type { ProjectRow } from '../db/rows.js';
import { fault } from '../workflows/model/fault.js';
import type { Caller, Context } from './command.js';
import { badParameter, NO_ACCESS, WireError } from './wire/errors.js';

export interface OwnershipParams {
  listall?: boolean;
  account?: string;
  domainid?: string;
  isrecursive?: boolean;
  projectid?: string;
}

const own = (caller: Caller): Owners => ({ kind: 'account', accountId: caller.account.uuid });

/** Accounts of the projects that the caller belongs to. */
const projectsOf = (db: Db, { account, scope }: Caller): Promise<string[]> =>
  projectAccountsOf(db, account.uuid, scope === 'kubernetes' ? ['Service'] : ['Admin', 'Regular']);

/** What the caller may see without asking for projects. */
const allowed = (caller: Caller): Owners => {
  if (caller.role === 'A') return { kind: 'all', projects: 'without' };
  return caller.role === 'U' ? own(caller) : { kind: 'subtree', path: caller.domain.path, projects: 'without' };
};

/** Where an object that the caller named by its id may be. */
async function reachable({ db, caller }: Context): Promise<Owners> {
  if (caller.role === 'A') return { kind: 'all' };
  if (caller.role !== 'U') return { kind: 'subtree', path: caller.domain.path };
  return { kind: 'accounts', accountIds: [caller.account.uuid, ...(await projectsOf(db, caller))] };
}

/** Whether the caller owns, is in the project that owns, or administers the owner of, what the account owns. */
export async function mayAccess(db: Db, caller: Caller, accountId: string): Promise<boolean> {
  if (caller.role === 'A' || caller.account.uuid === accountId) return true;
  if ((await projectsOf(db, caller)).includes(accountId)) return true;
  if (caller.role === 'U') return false;
  const domain = await accountDomain(db, accountId);
  return domain !== undefined && isWithin(domain.path, caller.domain.path);
}

/** Throws `PermissionDenied` unless the caller may act on what the account owns. */
export async function assertAccess(ctx: Pick<Context, 'db' | 'caller'>, accountId: string): Promise<void> {
  if (!(await mayAccess(ctx.db, ctx.caller, accountId))) throw fault('PermissionDenied', NO_ACCESS);
}

/** The domain that a parameter names. Throws unless it is the caller's own or one that he administers. */
export async function accessibleDomain(
  ctx: Context,
  domainId: string,
): Promise<{ uuid: string; name: string; path: string }> {
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

/** The project that a parameter names. Throws unless the caller is in it or administers its domain. */
export async function accessibleProject(ctx: Pick<Context, 'db' | 'caller'>, projectId: string): Promise<ProjectRow> {
  const project = await readProject(ctx.db, projectId);
  if (!project) throw fault('BadParameter', `Unable to find project by id ${projectId}`);
  await assertAccess(ctx, project.project_account_id);
  return project;
}

const assertOneOwner = (params: Pick<OwnershipParams, 'account' | 'projectid'>) => {
  if (params.account !== undefined && params.projectid !== undefined)
    throw fault('BadParameter', "Account and projectId can't be specified together");
};

/** All projects of the caller; with `listall` his own objects too. */
async function ownersInProjects({ db, caller }: Context, listall: boolean): Promise<Owners> {
  if (caller.role === 'A') return listall ? { kind: 'all' } : { kind: 'all', projects: 'only' };
  return {
    kind: 'accounts',
    accountIds: [...(await projectsOf(db, caller)), ...(listall ? [caller.account.uuid] : [])],
  };
}

/**
 * Whose objects a list shows (`api.md` §1.6). `byId`: the caller named one object, which he may see wherever he could with
 * `listall` or in his projects.
 */
export async function ownersOf(ctx: Context, params: OwnershipParams, byId = false): Promise<Owners> {
  const { caller } = ctx;
  assertOneOwner(params);
  if (params.projectid === '-1') return ownersInProjects(ctx, params.listall === true);
  if (params.projectid !== undefined) {
    const project = await accessibleProject(ctx, params.projectid);
    return { kind: 'account', accountId: project.project_account_id };
  }
  if (params.account !== undefined) {
    const domain = params.domainid === undefined ? caller.domain : await accessibleDomain(ctx, params.domainid);
    return { kind: 'account', accountId: await accountIn(ctx, params.account, domain) };
  }
  if (params.domainid !== undefined) {
    const domain = await accessibleDomain(ctx, params.domainid);
    if (caller.role === 'U') return own(caller);
    return params.isrecursive
      ? { kind: 'subtree', path: domain.path, projects: 'without' }
      : { kind: 'domain', domainId: domain.uuid, projects: 'without' };
  }
  if (byId) return reachable(ctx);
  return params.listall ? allowed(caller) : own(caller);
}

/**
 * The account that something new belongs to: the caller's, the one named with its domain, or the project's. Refusals are those of
 * the parameter stage, also inside CKS commands (`api.md` §2.2).
 */
export async function newOwner(
  ctx: Context,
  params: Pick<OwnershipParams, 'account' | 'domainid' | 'projectid'>,
): Promise<{ accountId: string; domainId: string }> {
  try {
    return await namedOwner(ctx, params);
  } catch (error) {
    const { type, message } = error as { type?: unknown; message: string };
    if (type === 'PermissionDenied') throw new WireError(531, 4365, message);
    if (type === 'BadParameter') throw badParameter(message, 4350);
    throw error;
  }
}

async function namedOwner(
  ctx: Context,
  params: Pick<OwnershipParams, 'account' | 'domainid' | 'projectid'>,
): Promise<{ accountId: string; domainId: string }> {
  const { caller } = ctx;
  assertOneOwner(params);
  if (params.projectid !== undefined) {
    const project = await accessibleProject(ctx, params.projectid);
    return { accountId: project.project_account_id, domainId: project.domain_id };
  }
  if (params.account === undefined) return { accountId: caller.account.uuid, domainId: caller.domain.uuid };
  if (params.domainid === undefined) throw fault('BadParameter', 'Account must be specified with domainId parameter');
  const domain = await accessibleDomain(ctx, params.domainid);
  return { accountId: await accountIn(ctx, params.account, domain), domainId: domain.uuid };
}
