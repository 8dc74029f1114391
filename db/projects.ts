import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { now, transact, type Db } from './knex.js';
import { containsText, readPage, sameText, whereGiven, type Listed, type Page } from './matching.js';
import { PROJECT_ACCOUNT, whereOwned, type Owners } from './owners.js';
import type { ProjectRow } from './rows.js';
import { writeEvent } from './write-event.js';

/** `Service`: the account of the in-cluster service, which is not one of the people of the project. */
export type ProjectRole = 'Admin' | 'Regular' | 'Service';

export const readProject = (db: Db, uuid: string): Promise<ProjectRow | undefined> =>
  Promise.resolve(db<ProjectRow>('projects').where({ uuid }).whereNull('removed').first());

/** Accounts of the projects that the account belongs to; `roles` narrows by what it is there. */
export async function projectAccountsOf(
  db: Db,
  accountId: string,
  roles: readonly ProjectRole[] = ['Admin', 'Regular', 'Service'],
): Promise<string[]> {
  const rows = await db('project_account as m')
    .join('projects as j', 'j.uuid', 'm.project_id')
    .where('m.account_id', accountId)
    .whereIn('m.account_role', [...roles])
    .whereNull('j.removed')
    .select<{ id: string }[]>('j.project_account_id as id');
  return rows.map(({ id }) => id);
}

export async function isProjectAdmin(db: Db, projectId: string, accountId: string): Promise<boolean> {
  const row = await db('project_account')
    .where({ project_id: projectId, account_id: accountId, account_role: 'Admin' })
    .first<object | undefined>();
  return row !== undefined;
}

export interface ProjectActor {
  userId: string;
  accountId: string;
}

/** Makes a project with an account of its own, which owns what the project owns. Undefined when the name is taken in the domain. */
export async function addProject(
  db: Knex,
  wanted: { name: string; displayText: string; domainId: string; ownerAccountId: string; actor: ProjectActor },
): Promise<ProjectRow | undefined> {
  return transact(db, async (trx) => {
    await trx('domain').where({ uuid: wanted.domainId }).forUpdate().first('uuid');
    const active_name = `${wanted.domainId}/${wanted.name.toLowerCase()}`;
    if (await trx('projects').where({ active_name }).first<object | undefined>()) return undefined;
    const [uuid, account] = [randomUUID(), randomUUID()];
    await trx('account').insert({
      uuid: account,
      account_name: `PrjAcct-${wanted.name.slice(0, 60)}-${uuid.slice(0, 8)}`,
      type: PROJECT_ACCOUNT,
      domain_id: wanted.domainId,
      state: 'enabled',
      project_id: uuid,
      project_name: wanted.name,
      created: now(trx),
    });
    await trx('projects').insert({
      uuid,
      name: wanted.name,
      display_text: wanted.displayText,
      domain_id: wanted.domainId,
      project_account_id: account,
      state: 'Active',
      active_name,
      created: now(trx),
    });
    await putMember(trx, uuid, wanted.ownerAccountId, 'Admin');
    const row = (await readProject(trx, uuid))!;
    await tell(trx, row, wanted.actor, 'PROJECT.CREATE', `creating project ${wanted.name}`);
    return row;
  });
}

export const putMember = (trx: Db, projectId: string, accountId: string, role: ProjectRole): Promise<unknown> =>
  Promise.resolve(
    trx('project_account')
      .insert({ project_id: projectId, account_id: accountId, account_role: role, created: now(trx) })
      .onConflict(['project_id', 'account_id'])
      .merge({ account_role: role }),
  );

export const addMember = (
  db: Knex,
  project: ProjectRow,
  member: { accountId: string; name: string; role: ProjectRole },
  actor: ProjectActor,
): Promise<void> =>
  transact(db, async (trx) => {
    const isService = await trx('project_account')
      .where({ project_id: project.uuid, account_id: member.accountId, account_role: 'Service' })
      .first<object | undefined>();
    if (isService) return;
    await putMember(trx, project.uuid, member.accountId, member.role);
    await tell(trx, project, actor, 'PROJECT.ACCOUNT.ADD', `adding account ${member.name} to project ${project.name}`);
  });

/** Answers why not: the last admin of a project stays. */
export const removeMember = (
  db: Knex,
  project: ProjectRow,
  member: { accountId: string; name: string },
  actor: ProjectActor,
): Promise<string | undefined> =>
  transact(db, async (trx) => {
    await trx('projects').where({ uuid: project.uuid }).forUpdate().first('uuid');
    const members = trx('project_account').where({ project_id: project.uuid });
    const others = await members
      .clone()
      .where({ account_role: 'Admin' })
      .whereNot({ account_id: member.accountId })
      .first<object | undefined>();
    if (!others) return `Account ${member.name} is the last admin of project ${project.name}: make another one first`;
    const gone = await members
      .clone()
      .where({ account_id: member.accountId })
      .whereNot({ account_role: 'Service' })
      .delete();
    if (gone === 0) return `Account ${member.name} is not in project ${project.name}`;
    await tell(
      trx,
      project,
      actor,
      'PROJECT.ACCOUNT.REMOVE',
      `removing account ${member.name} from project ${project.name}`,
    );
    return undefined;
  });

const OWNING: readonly (readonly [table: string, words: string])[] = [
  ['kubernetes_cluster', 'Kubernetes clusters'],
  ['vm_instance', 'machines'],
  ['networks', 'networks'],
];

/** Removes an empty project. Answers why not, when something still belongs to it. */
export const deleteProject = (db: Knex, project: ProjectRow, actor: ProjectActor): Promise<string | undefined> =>
  transact(db, async (trx) => {
    for (const [table, words] of OWNING) {
      const left = await trx(table)
        .where({ account_id: project.project_account_id })
        .whereNull('removed')
        .select<{ name: string }[]>('name');
      if (left.length > 0)
        return `Project ${project.name} still has ${words}: ${left.map(({ name }) => name).join(', ')}; delete them first`;
    }
    await trx('project_account').where({ project_id: project.uuid }).delete();
    await trx('ssh_keypairs').where({ account_id: project.project_account_id }).delete();
    await trx('user_data').where({ account_id: project.project_account_id }).delete();
    await trx('secret')
      .where({ owner: `account/${project.project_account_id}` })
      .delete();
    await trx('projects')
      .where({ uuid: project.uuid })
      .update({ removed: now(trx), active_name: null });
    await trx('account')
      .where({ uuid: project.project_account_id })
      .update({ removed: now(trx) });
    await tell(trx, project, actor, 'PROJECT.DELETE', `deleting project ${project.name}`);
    return undefined;
  });

const tell = (trx: Knex.Transaction, project: ProjectRow, actor: ProjectActor, type: string, what: string) =>
  writeEvent(trx, {
    type,
    state: 'Completed',
    description: `Successfully completed ${what}`,
    user_id: actor.userId,
    account_id: actor.accountId,
    domain_id: project.domain_id,
    resource_type: 'Project',
    resource_id: project.uuid,
  });

export interface ProjectListRow extends ProjectRow {
  domain: string;
  account_name: string;
  owners: { account: string; userid: string | null; user: string | null }[];
}
export interface ProjectFilter {
  id?: string;
  name?: string;
  displaytext?: string;
  keyword?: string;
  state?: string;
  owners: Owners;
}

export async function listProjects(db: Db, filter: ProjectFilter, page: Page): Promise<Listed<ProjectListRow>> {
  const query = whereOwned(
    db('projects as j')
      .join('account as a', 'a.uuid', 'j.project_account_id')
      .join('domain as d', 'd.uuid', 'j.domain_id')
      .whereNull('j.removed'),
    filter.owners,
  );
  whereGiven(query, { 'j.uuid': filter.id });
  if (filter.name !== undefined) sameText(db, query, 'j.name', filter.name);
  if (filter.displaytext !== undefined) sameText(db, query, 'j.display_text', filter.displaytext);
  if (filter.state !== undefined) sameText(db, query, 'j.state', filter.state);
  if (filter.keyword) containsText(query, 'j.name', filter.keyword);
  const { count, rows } = await readPage<Omit<ProjectListRow, 'owners'>>(
    query,
    ['j.*', 'd.name as domain', 'a.account_name'],
    'j.id',
    page,
  );
  const owners = await db('project_account as m')
    .join('account as a', 'a.uuid', 'm.account_id')
    .leftJoin('user as u', (on) => void on.on('u.account_id', 'a.uuid').onNull('u.removed').onNull('u.scope'))
    .where('m.account_role', 'Admin')
    .whereIn(
      'm.project_id',
      rows.map(({ uuid }) => uuid),
    ) // prettier-ignore
    .orderBy(['m.id', 'u.id'])
    .select<{ project: string; account: string; userid: string | null; user: string | null }[]>(
      'm.project_id as project',
      'a.account_name as account',
      'u.uuid as userid',
      'u.username as user',
    );
  return {
    count,
    rows: rows.map((row) => ({
      ...row,
      owners: owners.filter(({ project }) => project === row.uuid).map(({ project: _, ...owner }) => owner),
    })),
  };
}
