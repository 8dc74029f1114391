import { randomUUID } from 'node:crypto';
import { fault } from '../workflows/model/fault.js';
import { newKey } from './accounts.js';
import { now, type Db } from './knex.js';
import { putMember } from './projects.js';
import type { AccountRow, ClusterRow, ProjectRow, UserRow } from './rows.js';
import { forgetSecrets, keepSecret, readSecret, Secret, type Sealer } from './secret.js';

/** Nobody signs in with this: it is not the hash of any password. */
const NO_PASSWORD = '!';

/** What components inside a cluster call this service with (`behaviour.md` §4.6). */
export interface ServiceIdentity {
  apikey: string;
  secretkey: Secret;
  /** Of a project's cluster: sent along with every call. */
  projectId?: string;
}

type OwnedCluster = Pick<ClusterRow, 'uuid' | 'account_id'>;

/**
 * Leaves the cluster's owner with a user for its in-cluster components, and returns its keys; the same ones each time. The user is
 * `<account>-kubeadmin`; a project gets an account `kubeadmin-<first group of its id>` of its own. It may call the few
 * commands of `api/service-commands.ts`, and nobody can sign in as it.
 */
export async function ensureServiceUser(db: Db, sealer: Sealer, cluster: OwnedCluster): Promise<ServiceIdentity> {
  const owner = await mustReadAccount(db, cluster.account_id);
  const accountId = owner.project_id === null ? owner.uuid : await ensureProjectAccount(db, owner);
  const account = await mustReadAccount(db, accountId);
  const user =
    (await findServiceUser(db, accountId)) ??
    (await addServiceUser(
      db,
      account,
      owner.project_id === null ? `${account.account_name}-kubeadmin` : account.account_name,
    ));
  const secretkey = await keepSecret(db, sealer, `user/${user.uuid}`, 'secretkey', () => new Secret(newKey()));
  return {
    apikey: user.api_key ?? (await giveKey(db, user.uuid)),
    secretkey,
    ...(owner.project_id !== null && { projectId: owner.project_id }),
  };
}

/** The keys that `ensureServiceUser` made, if it did. */
export async function readServiceKeys(
  db: Db,
  sealer: Sealer,
  cluster: OwnedCluster,
): Promise<{ apikey: string; secretkey: Secret } | undefined> {
  const owner = await mustReadAccount(db, cluster.account_id);
  const accountId = owner.project_id === null ? owner.uuid : (await findProjectAccount(db, owner.project_id))?.uuid;
  const user = accountId === undefined ? undefined : await findServiceUser(db, accountId);
  const secretkey = user && (await readSecret(db, sealer, `user/${user.uuid}`, 'secretkey'));
  return user?.api_key && secretkey ? { apikey: user.api_key, secretkey } : undefined;
}

/**
 * Forgets the user, and of a project its account, once the owner has no cluster left but `cluster`. To be called in the transaction
 * that ends the cluster, or after it; twice is once.
 */
export async function forgetServiceUser(db: Db, cluster: OwnedCluster): Promise<boolean> {
  const others = await db('kubernetes_cluster')
    .where({ account_id: cluster.account_id })
    .whereNot({ uuid: cluster.uuid })
    .whereNull('removed')
    .first<object | undefined>('uuid');
  if (others) return false;
  const owner = await mustReadAccount(db, cluster.account_id);
  const account = owner.project_id === null ? owner : await findProjectAccount(db, owner.project_id);
  const user = account && (await findServiceUser(db, account.uuid));
  if (user) {
    await forgetSecrets(db, `user/${user.uuid}`);
    await db('session').where({ user_id: user.uuid }).delete();
    // Its name is free again: the next cluster's user is another one.
    await db('user')
      .where({ uuid: user.uuid })
      .update({ removed: now(db), api_key: null, username: `${user.username.slice(0, 150)}/${user.uuid}` });
  }
  if (account && owner.project_id !== null) {
    await db('project_account').where({ project_id: owner.project_id, account_id: account.uuid }).delete();
    await db('account')
      .where({ uuid: account.uuid })
      .update({ removed: now(db), account_name: `${account.account_name}/${account.uuid}` });
  }
  return user !== undefined;
}

async function mustReadAccount(db: Db, uuid: string): Promise<AccountRow> {
  const row = await db<AccountRow>('account').where({ uuid }).first();
  if (!row) throw fault('Internal', `there is no account ${uuid}`);
  return row;
}

const findServiceUser = (db: Db, accountId: string): Promise<UserRow | undefined> =>
  Promise.resolve(
    db<UserRow>('user')
      .where({ account_id: accountId, scope: 'kubernetes' })
      .whereNull('removed')
      .orderBy('id')
      .first(),
  );

async function findProjectAccount(db: Db, projectId: string): Promise<AccountRow | undefined> {
  return db('project_account as m')
    .join('account as a', 'a.uuid', 'm.account_id')
    .where({ 'm.project_id': projectId, 'm.account_role': 'Service' })
    .whereNull('a.removed')
    .first<AccountRow | undefined>('a.*');
}

async function ensureProjectAccount(db: Db, owner: AccountRow): Promise<string> {
  const found = await findProjectAccount(db, owner.project_id!);
  if (found) return found.uuid;
  const project = await db<ProjectRow>('projects').where({ uuid: owner.project_id! }).first();
  if (!project) throw fault('Internal', `there is no project ${owner.project_id}`);
  const name = `kubeadmin-${project.uuid.slice(0, 8)}`;
  await db('account')
    .insert({
      uuid: randomUUID(),
      account_name: name,
      type: 0,
      domain_id: project.domain_id,
      state: 'enabled',
      created: now(db),
    }) // prettier-ignore
    .onConflict(['domain_id', 'account_name'])
    .ignore();
  const account = await db<AccountRow>('account')
    .where({ domain_id: project.domain_id, account_name: name })
    .whereNull('removed')
    .first();
  if (!account) throw fault('Internal', `the account ${name} is not there`);
  await putMember(db, project.uuid, account.uuid, 'Service');
  return account.uuid;
}

/** Accounts of one name live in several domains, users' names are unique: the second of a name carries its account's id. */
async function addServiceUser(db: Db, account: AccountRow, name: string): Promise<UserRow> {
  for (const username of [name, `${name}-${account.uuid.slice(0, 8)}`, `${name}-${account.uuid}`]) {
    await db('user')
      .insert({
        uuid: randomUUID(),
        username: username.slice(0, 191),
        password: NO_PASSWORD,
        account_id: account.uuid,
        firstname: 'kubeadmin',
        lastname: 'kubeadmin',
        email: null,
        api_key: newKey(),
        state: 'enabled',
        scope: 'kubernetes',
        created: now(db),
      }) // prettier-ignore
      .onConflict('username')
      .ignore();
    const user = await findServiceUser(db, account.uuid);
    if (user) return user;
  }
  throw fault('Internal', `no user name is free for the service user of account ${account.account_name}`);
}

async function giveKey(db: Db, userId: string): Promise<string> {
  const api_key = newKey();
  await db('user').where({ uuid: userId }).whereNull('api_key').update({ api_key });
  const row = await db<UserRow>('user').where({ uuid: userId }).first();
  return row?.api_key ?? api_key;
}
