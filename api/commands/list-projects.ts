import { listProjects as readProjects, projectAccountsOf } from '../../db/projects.js';
import type { Owners } from '../../db/owners.js';
import { command, EVERYONE, list, type Context } from '../command.js';
import { ownersOf, type OwnershipParams } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { PROJECT, projectView } from '../views/project.js';

const { listall, account, domainid, isrecursive } = OWNERSHIP;

/** A project is shown to its members, and to admins who ask for more than their own. */
async function seen(ctx: Context, params: OwnershipParams & { id?: string }): Promise<Owners> {
  const { role } = ctx.caller;
  const wide = params.listall === true || params.id !== undefined || params.domainid !== undefined;
  if (role === 'U' || (!wide && params.account === undefined))
    return {
      kind: 'accounts',
      accountIds: await projectAccountsOf(ctx.db, ctx.caller.account.uuid, ['Admin', 'Regular']),
    };
  const owners = await ownersOf(ctx, params, params.id !== undefined);
  if (owners.kind === 'account')
    return { kind: 'accounts', accountIds: await projectAccountsOf(ctx.db, owners.accountId, ['Admin', 'Regular']) };
  return 'projects' in owners ? { ...owners, projects: 'only' } : owners;
}

export const listProjects = command({
  name: 'listProjects',
  description: 'Lists projects and provides detailed information for listed projects',
  roles: EVERYONE,
  params: {
    id: p.uuid('project', { description: 'list projects by project ID' }),
    name: p.string({ description: 'list projects by name' }),
    displaytext: p.string({ description: 'list projects by display text' }),
    state: p.string({ description: 'list projects by state' }),
    listall,
    account,
    domainid,
    isrecursive,
    ...PAGING,
  },
  response: PROJECT,
  isList: true,
  async handler(ctx, params) {
    const owners = await seen(ctx, params);
    const { count, rows } = await readProjects(ctx.db, { ...params, owners }, await pageOf(ctx, params));
    return list(count, rows.map(projectView)); // prettier-ignore
  },
});
