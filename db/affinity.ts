import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { AFFINITY_TYPES, NODE_TYPE_OF, type RoleGroups } from '../workflows/model/affinity.js';
import type { NodeRoleName } from '../workflows/model/operation.js';
import type { HostGroup } from '../workflows/model/placement.js';
import { now, transact, type Db } from './knex.js';
import { containsText, readPage, sameText, whereGiven, type Listed, type Page } from './matching.js';
import { joinOwner, OWNER_COLUMNS, whereOwned, type OwnerColumns, type Owners } from './owners.js';
import type { AffinityGroupRow, ClusterRow } from './rows.js';
import { writeEvent } from './write-event.js';

export interface AffinityGroupListRow extends AffinityGroupRow, OwnerColumns {}
export interface AffinityGroupFilter {
  id?: string;
  name?: string;
  keyword?: string;
  type?: string;
  machineId?: string;
  owners: Owners;
}

export async function listAffinityGroups(
  db: Db,
  filter: AffinityGroupFilter,
  page: Page,
): Promise<Listed<AffinityGroupListRow>> {
  const query = whereOwned(joinOwner(db('affinity_group as g'), 'g.account_id'), filter.owners);
  whereGiven(query, { 'g.uuid': filter.id });
  if (filter.name !== undefined) sameText(db, query, 'g.name', filter.name);
  if (filter.type !== undefined) sameText(db, query, 'g.type', filter.type);
  if (filter.keyword) containsText(query, 'g.name', filter.keyword);
  const { machineId } = filter;
  if (machineId !== undefined)
    void query.whereIn('g.uuid', (await membershipsOf(db, { machineId })).map(({ groupId }) => groupId)); // prettier-ignore
  return readPage(query, ['g.*', ...OWNER_COLUMNS], 'g.id', page);
}

/** One group as a view shows it; undefined when it was removed. */
export const readAffinityGroup = async (db: Db, uuid: string): Promise<AffinityGroupListRow | undefined> =>
  (await listAffinityGroups(db, { id: uuid, owners: { kind: 'all' } }, { offset: 0 })).rows[0];

export interface GroupOwner {
  accountId: string;
  domainId: string;
  /** Who acts, for the event. */
  userId: string;
}

/** Undefined when the account has a group of this name. `done` runs in the same transaction. */
export async function addAffinityGroup<T>(
  db: Knex,
  owner: GroupOwner,
  group: { name: string; type: string; description: string | undefined },
  done: (trx: Knex.Transaction, uuid: string) => Promise<T>,
): Promise<T | undefined> {
  return transact(db, async (trx) => {
    // The account's row makes a second one of the same name wait, and find this one.
    await trx('account').where({ uuid: owner.accountId }).forUpdate().first('uuid');
    const { accountId: account_id, domainId: domain_id } = owner;
    const same = sameText(trx, trx('affinity_group').where({ account_id }), 'name', group.name);
    if (await same.first('uuid')) return undefined;
    const uuid = await insertGroup(trx, { ...group, account_id, domain_id });
    await writeEvent(trx, {
      type: 'AG.CREATE', state: 'Completed', description: `Successfully completed creating affinity group ${group.name}`, user_id: owner.userId, account_id, domain_id,
      resource_type: 'AffinityGroup', resource_id: uuid,
    }); // prettier-ignore
    return done(trx, uuid);
  });
}

export async function insertGroup(
  trx: Knex.Transaction,
  group: { name: string; type: string; description: string | undefined; account_id: string; domain_id: string },
): Promise<string> {
  const uuid = randomUUID();
  await trx('affinity_group').insert({ uuid, ...group, description: group.description ?? null, created: now(trx) });
  return uuid;
}

/**
 * Removes a group, unless clusters use it: then their names. Machines that were in it are in it no longer. `done` runs in the same
 * transaction.
 */
export async function deleteAffinityGroup<T>(
  db: Knex,
  group: Pick<AffinityGroupRow, 'uuid' | 'name' | 'account_id' | 'domain_id'>,
  userId: string,
  done: (trx: Knex.Transaction) => Promise<T>,
): Promise<{ usedBy: string[] } | { done: T } | undefined> {
  return transact(db, async (trx) => {
    if (!(await trx('affinity_group').where({ uuid: group.uuid }).forUpdate().first('uuid'))) return undefined;
    const usedBy = await trx('kubernetes_cluster_affinity_group_map as m')
      .join('kubernetes_cluster as c', 'c.uuid', 'm.cluster_id')
      .where('m.affinity_group_id', group.uuid)
      .whereNull('c.removed')
      .distinct()
      .pluck<string[]>('c.name');
    if (usedBy.length > 0) return { usedBy };
    for (const table of ['affinity_group_vm_map', 'kubernetes_cluster_affinity_group_map'])
      await trx(table).where({ affinity_group_id: group.uuid }).delete();
    await trx('affinity_group').where({ uuid: group.uuid }).delete();
    await writeEvent(trx, {
      type: 'AG.DELETE', state: 'Completed', description: `Successfully completed deleting affinity group ${group.name}`, user_id: userId, account_id: group.account_id,
      domain_id: group.domain_id, resource_type: 'AffinityGroup', resource_id: group.uuid,
    }); // prettier-ignore
    return { done: await done(trx) };
  });
}

interface Membership {
  groupId: string;
  machineId: string;
  hostId: string | null;
}

/** Machines in groups: those that users put there, and the nodes of clusters that have the group for their role. */
async function membershipsOf(
  db: Db,
  of: { groupIds: readonly string[] } | { machineId: string },
): Promise<Membership[]> {
  const columns = ['affinity_group_id as groupId', 'v.uuid as machineId', 'v.host_id as hostId'];
  const own = db('affinity_group_vm_map as g').join('vm_instance as v', 'v.uuid', 'g.vm_id');
  const nodes = db('kubernetes_cluster_affinity_group_map as g')
    .join('kubernetes_cluster_vm_map as m', (on) => {
      void on.on('m.cluster_id', 'g.cluster_id').andOn(db.raw('UPPER(m.role) = g.node_type'));
    })
    .join('vm_instance as v', 'v.uuid', 'm.vm_id')
    .where('m.external_node', 0);
  const found: Membership[][] = [];
  for (const query of [own, nodes]) {
    void query.whereNull('v.removed');
    if ('machineId' in of) void query.where('v.uuid', of.machineId);
    else void query.whereIn('g.affinity_group_id', [...of.groupIds]);
    found.push((await query.select(columns).orderBy('v.id')) as Membership[]);
  }
  const seen = new Set<string>();
  return found.flat().filter(({ groupId, machineId }) => {
    const key = `${groupId}/${machineId}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Ids of the machines in each of the groups. */
export async function machinesOfGroups(db: Db, groupIds: readonly string[]): Promise<ReadonlyMap<string, string[]>> {
  const byGroup = new Map<string, string[]>(groupIds.map((id) => [id, []]));
  if (groupIds.length === 0) return byGroup;
  for (const { groupId, machineId } of await membershipsOf(db, { groupIds })) byGroup.get(groupId)?.push(machineId);
  return byGroup;
}

/** `<group id>/<host id>` → machines of the group there. A machine that is stopped stays on its host, so it counts. */
export async function membersByHost(db: Db, groupIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  if (groupIds.length === 0) return counts;
  for (const { groupId, hostId } of await membershipsOf(db, { groupIds })) {
    const key = `${groupId}/${hostId}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** The groups that a placement has to heed: the cluster's, or those that are given, without counts. */
export async function readPlacementGroups(
  db: Db,
  { clusterId, groups }: { clusterId?: string; groups?: RoleGroups },
): Promise<Omit<HostGroup, 'members'>[]> {
  const wanted = groups ?? (clusterId === undefined ? {} : await readClusterGroups(db, clusterId));
  const roles = Object.keys(NODE_TYPE_OF) as NodeRoleName[];
  const ids = [...new Set(roles.flatMap((role) => wanted[role] ?? []))];
  if (ids.length === 0) return [];
  const rows = await db<AffinityGroupRow>('affinity_group').whereIn('uuid', ids).orderBy('id');
  return rows.flatMap(({ uuid, name, type }) => {
    const rule = AFFINITY_TYPES[type];
    return rule ? [{ id: uuid, name, ...rule, roles: roles.filter((role) => wanted[role]?.includes(uuid)) }] : [];
  });
}

/** The groups of a cluster, per role. */
export async function readClusterGroups(db: Db, clusterId: string): Promise<RoleGroups> {
  const groups: Partial<Record<NodeRoleName, string[]>> = {};
  for (const { role, id } of (await groupsOfClusters(db, [clusterId])).get(clusterId) ?? [])
    (groups[role] ??= []).push(id);
  return groups;
}

export interface ClusterGroup {
  role: NodeRoleName;
  id: string;
  name: string;
}

/** The groups of many clusters in one query. */
export async function groupsOfClusters(
  db: Db,
  clusterIds: readonly string[],
): Promise<ReadonlyMap<string, ClusterGroup[]>> {
  const byCluster = new Map<string, ClusterGroup[]>();
  if (clusterIds.length === 0) return byCluster;
  const rows = await db('kubernetes_cluster_affinity_group_map as m')
    .join('affinity_group as g', 'g.uuid', 'm.affinity_group_id')
    .whereIn('m.cluster_id', [...clusterIds])
    .orderBy('m.id')
    .select<{ cluster_id: string; node_type: string; uuid: string; name: string }[]>(
      'm.cluster_id',
      'm.node_type',
      'g.uuid',
      'g.name',
    );
  for (const { cluster_id, node_type, uuid, name } of rows) {
    const group = { role: node_type.toLowerCase() as NodeRoleName, id: uuid, name };
    byCluster.set(cluster_id, [...(byCluster.get(cluster_id) ?? []), group]);
  }
  return byCluster;
}

/**
 * Why the groups cannot be a cluster's, in words; undefined when they can: each must be there, belong to the cluster's owner and be
 * of a type that users make.
 */
export async function refuseGroups(db: Db, groups: RoleGroups, accountId: string): Promise<string | undefined> {
  const ids = [...new Set(Object.values(groups).flat())];
  if (ids.length === 0) return undefined;
  const rows = await db<AffinityGroupRow>('affinity_group').whereIn('uuid', ids);
  for (const id of ids) {
    const row = rows.find(({ uuid }) => uuid === id);
    if (!row) return `Unable to find affinity group ${id}`;
    if (row.account_id !== accountId) return `Affinity group ${row.name} belongs to another account than the cluster`;
    if (!AFFINITY_TYPES[row.type]) return `Affinity group ${row.name} is of type ${row.type}: expected one of ${Object.keys(AFFINITY_TYPES).join(', ')}`; // prettier-ignore
  }
  return undefined;
}

/** Makes these the groups of the cluster, instead of those it had. */
export async function replaceClusterGroups(
  trx: Knex.Transaction,
  cluster: Pick<ClusterRow, 'uuid'>,
  groups: RoleGroups,
): Promise<void> {
  await trx('kubernetes_cluster_affinity_group_map').where({ cluster_id: cluster.uuid }).delete();
  for (const [role, ids] of Object.entries(groups))
    for (const id of ids)
      await trx('kubernetes_cluster_affinity_group_map').insert({
        cluster_id: cluster.uuid,
        node_type: NODE_TYPE_OF[role as NodeRoleName],
        affinity_group_id: id,
      });
}
