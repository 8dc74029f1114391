import type { Knex } from 'knex';
import type { ClusterState } from '../workflows/model/states.js';
import { holdCluster, moveCluster } from './clusters.js';
import { now, nowPlus, transact, type Db } from './knex.js';
import type { ClusterRow, VmRow } from './rows.js';
import { writeEvent } from './write-event.js';

/** What a look at a zone found about one resting cluster. */
export interface ClusterHealth extends Pick<
  ClusterRow,
  'uuid' | 'name' | 'state' | 'generation' | 'reason' | 'target_version_id'
> {
  expected: number;
  nodes: number;
  running: number;
  /** Of `running`: those that a stop switches off. Machines that users added stay theirs to switch. */
  ownRunning: number;
}

/** A machine without a domain on a host of ours is taken to run: nobody can tell. */
const RUNS = `(v.managed = 0 OR (v.state = 'Running' AND COALESCE(h.status, 'Up') <> 'Down'))`;
const EXPECTED = 'c.control_node_count + c.node_count + c.etcd_node_count';
const OWN_RUNS = `m.external_node = 0 AND ${RUNS}`;
/** What keeps a Running cluster from being counted node by node: as many nodes as there are to be, none of them off. */
const HAS_ALL = `(SELECT COUNT(*) FROM kubernetes_cluster_vm_map n WHERE n.cluster_id = c.uuid) >= ${EXPECTED}`;
const BROKEN = `
  SELECT n.cluster_id FROM vm_instance w JOIN kubernetes_cluster_vm_map n ON n.vm_id = w.uuid
  WHERE w.managed = 1 AND (w.state <> 'Running' OR w.host_id IN (SELECT uuid FROM host WHERE status = 'Down'))`;
const count = (what: string) => `SUM(CASE WHEN ${what} THEN 1 ELSE 0 END)`;
/** Nodes that are in the cluster for good: those that an unfinished operation left half-made are not. */
const IS_IN = `m.phase IN ('joined', 'ready')`;

/**
 * Clusters whose machines say something else than their state, in one query: only these are rows in memory, however many clusters
 * there are. Clusters that an operation holds are left to it.
 */
export async function readOddClusters(db: Db, zoneId: string): Promise<ClusterHealth[]> {
  const own = ['uuid', 'name', 'state', 'generation', 'reason', 'target_version_id'].map((column) => `c.${column}`);
  const rows: ClusterHealth[] = await restingIn(db, zoneId)
    .whereRaw(`(c.state <> 'Running' OR NOT ${HAS_ALL} OR c.uuid IN (${BROKEN}))`)
    .leftJoin('kubernetes_cluster_vm_map as m', 'm.cluster_id', 'c.uuid')
    .leftJoin('vm_instance as v', 'v.uuid', 'm.vm_id')
    .leftJoin('host as h', 'h.uuid', 'v.host_id')
    .groupBy(...own, 'c.control_node_count', 'c.node_count', 'c.etcd_node_count')
    .select(...own)
    .select(db.raw(`${EXPECTED} as expected`), db.raw('COUNT(m.id) as nodes'), db.raw(`${count(RUNS)} as running`))
    .select(db.raw(`${count(OWN_RUNS)} as ownRunning`))
    .havingRaw(
      `(c.state = 'Running' AND (${count(RUNS)} < ${EXPECTED} OR COUNT(m.id) < ${EXPECTED} OR ${count(`${IS_IN} AND NOT ${RUNS}`)} > 0))
       OR (c.state = 'Stopped' AND (c.reason IS NOT NULL OR ${count(OWN_RUNS)} > 0))
       OR c.state = 'Alert'`,
    );
  // MySQL returns sums as text.
  return rows.map((row) => ({
    ...row,
    expected: Number(row.expected),
    nodes: Number(row.nodes),
    running: Number(row.running),
    ownRunning: Number(row.ownRunning),
  }));
}

/** Clusters that nobody works on. */
const restingIn = (db: Db, zoneId: string) =>
  db('kubernetes_cluster as c')
    .leftJoin('operation as o', 'o.active_cluster_id', 'c.uuid')
    .where({ 'c.zone_id': zoneId, 'c.cluster_type': 'CloudManaged' })
    .whereIn('c.state', ['Running', 'Stopped', 'Alert'])
    .whereNull('c.removed')
    .whereNull('o.uuid');

/** Names of a cluster's nodes that do not run, each with why. */
export async function readTroubles(db: Db, clusterId: string): Promise<string[]> {
  const rows = await db('kubernetes_cluster_vm_map as m')
    .join('vm_instance as v', 'v.uuid', 'm.vm_id')
    .leftJoin('host as h', 'h.uuid', 'v.host_id')
    .where({ 'm.cluster_id': clusterId, 'v.managed': 1 })
    .where((q) => q.whereNot('v.state', 'Running').orWhere('h.status', 'Down'))
    .orderBy('m.id')
    .select<{ name: string; state: string; external: number; host: string | null; status: string | null }[]>(
      'v.name',
      'v.state',
      'm.external_node as external',
      'h.name as host',
      'h.status',
    );
  return rows.map(({ name, state, external, host, status }) => {
    const cure = external === 1 ? '' : ' (replaceKubernetesNode puts a new node in its place)';
    if (status === 'Down') return `${name}: host ${host} does not answer${cure}`;
    return state === 'Error'
      ? `${name}: its machine is gone from host ${host}${cure}`
      : `${name}: its machine is ${state}`;
  });
}

/** Names of a cluster's own nodes that run, each with its host. */
export async function readRunningNodes(db: Db, clusterId: string): Promise<string[]> {
  const rows = await db('kubernetes_cluster_vm_map as m')
    .join('vm_instance as v', 'v.uuid', 'm.vm_id')
    .join('host as h', 'h.uuid', 'v.host_id')
    .where({ 'm.cluster_id': clusterId, 'm.external_node': 0, 'v.state': 'Running' })
    .whereNot('h.status', 'Down')
    .orderBy('m.id')
    .select<{ name: string; host: string }[]>('v.name', 'h.name as host');
  return rows.map(({ name, host }) => `${name} on host ${host}`);
}

/** One machine of a host whose power the scan looks after: no operation or change is at work on it. */
export type WatchedMachine = Pick<
  VmRow,
  'uuid' | 'name' | 'instance_name' | 'network_id' | 'state' | 'vm_type' | 'update_time'
>;

/** Machines that are being worked on are few: they are looked for once, and not for each machine anew. */
const watched = (db: Db) => {
  const heldClusters = db('operation').whereNotNull('active_cluster_id').select('active_cluster_id');
  const heldNodes = db('kubernetes_cluster_vm_map').whereIn('cluster_id', heldClusters).select('vm_id');
  const changing = db('machine_change').whereNotNull('active_vm_id').select('active_vm_id');
  return db('vm_instance as v')
    .where({ 'v.managed': 1 })
    .whereNull('v.removed')
    .whereIn('v.state', ['Running', 'Stopped', 'Error', 'Destroyed'])
    .whereNotIn('v.uuid', heldNodes)
    .whereNotIn('v.uuid', changing);
};

/**
 * Of each host a text that is another one once a machine that is watched there is another, or has changed: which they are, and when the last
 * of them did. A host without machines has none.
 */
export async function readWatchedMarks(db: Db, hostIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await watched(db)
    .whereIn('v.host_id', [...hostIds])
    .groupBy('v.host_id')
    .select<{ host_id: string; n: number; ids: number; changed: string }[]>(
      'v.host_id',
      db.raw('COUNT(*) AS n, SUM(v.id) AS ids, MAX(v.update_time) AS changed'),
    );
  return new Map(rows.map(({ host_id, n, ids, changed }) => [host_id, `${n} ${ids} ${changed}`]));
}

export const readWatchedMachines = (db: Db, hostId: string): Promise<WatchedMachine[]> =>
  Promise.resolve(
    watched(db)
      .where({ 'v.host_id': hostId })
      .orderBy('v.id')
      .select<WatchedMachine[]>(
        'v.uuid',
        'v.name',
        'v.instance_name',
        'v.network_id',
        'v.state',
        'v.vm_type',
        'v.update_time',
      ),
  );

/**
 * Writes what a host says about a machine, and has its cluster's API server asked at once. False, and nothing is written, when somebody took
 * the machine up, or changed it, after `seen` was read.
 */
export const writePower = (db: Knex, seen: WatchedMachine, state: string): Promise<boolean> =>
  transact(db, async (trx) => {
    const map = await trx('kubernetes_cluster_vm_map')
      .where({ vm_id: seen.uuid })
      .first<{ cluster_id: string } | undefined>('cluster_id');
    if (map) await holdCluster(trx, map.cluster_id);
    const held = map && (await trx('operation').where({ active_cluster_id: map.cluster_id }).first('uuid'));
    const changing = await trx('machine_change').where({ active_vm_id: seen.uuid }).first('id');
    if (held || changing) return false;
    const changed = await trx('vm_instance')
      .where({ uuid: seen.uuid, state: seen.state, update_time: seen.update_time })
      .update({ state, update_time: now(trx) });
    if (changed === 1 && map) await trx('kubernetes_cluster').where({ uuid: map.cluster_id }).update({ probed: null });
    return changed === 1;
  });

/**
 * Moves a resting cluster to where it was seen to be, with an event. False, and nothing is written, when an operation took it or
 * anything else changed it since it was looked at.
 */
export async function moveSeen(
  db: Knex,
  seen: Pick<ClusterHealth, 'uuid' | 'state' | 'generation'>,
  path: readonly ClusterState[],
  reason: string | null,
): Promise<boolean> {
  return transact(db, async (trx) => {
    let cluster = await holdCluster(trx, seen.uuid);
    if (cluster.generation !== seen.generation || cluster.state !== seen.state) return false;
    if (await trx('operation').where({ active_cluster_id: seen.uuid }).first('uuid')) return false;
    const before = cluster.state;
    for (const to of path) {
      await moveCluster(trx, cluster, to, reason);
      cluster = await holdCluster(trx, seen.uuid);
    }
    await writeEvent(trx, {
      type: 'KUBERNETES.CLUSTER.STATE',
      state: 'Completed',
      level: cluster.state === 'Alert' ? 'WARN' : 'INFO',
      description: `Kubernetes cluster ${cluster.name} went from ${before} to ${cluster.state}${reason ? `: ${reason}` : ''}`,
      user_id: null,
      account_id: cluster.account_id,
      domain_id: cluster.domain_id,
      resource_type: 'KubernetesCluster',
      resource_id: cluster.uuid,
    });
    return true;
  });
}

/** Writes a resting cluster's reason without moving it; nothing when it is the same or the cluster has changed. */
export const writeReason = async (
  db: Db,
  { uuid, generation, reason }: Pick<ClusterHealth, 'uuid' | 'generation' | 'reason'>,
  text: string | null,
): Promise<void> => {
  if (reason === text) return;
  await db('kubernetes_cluster')
    .where({ uuid, generation })
    .update({ reason: text?.slice(0, 2000) ?? null });
};

/** Clusters whose API server is due to be asked, the longest unasked first. */
export const readDueProbes = (
  db: Db,
  zoneId: string,
  runningBefore: Knex.Raw,
  alertBefore: Knex.Raw,
  most: number,
): Promise<ClusterRow[]> =>
  Promise.resolve(
    restingIn(db, zoneId)
      .where((q) =>
        q
          .where((run) =>
            run
              .where('c.state', 'Running')
              .where((due) => due.whereNull('c.probed').orWhere('c.probed', '<', runningBefore)),
          )
          .orWhere((alert) =>
            alert
              .where('c.state', 'Alert')
              .where((due) => due.whereNull('c.probed').orWhere('c.probed', '<', alertBefore)),
          ),
      )
      .orderBy('c.probed')
      .limit(most)
      .select<ClusterRow[]>('c.*'),
  );

/** Writes down that the API server is asked now; `ago`: seconds by which it is due earlier the next time. */
export const markProbed = async (db: Db, uuid: string, ago: number): Promise<void> => {
  await db('kubernetes_cluster')
    .where({ uuid })
    .update({ probed: nowPlus(db, -ago) });
};
