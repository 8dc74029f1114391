import type { Knex } from 'knex';
import { fault } from '../workflows/model/fault.js';
import { mayMove, type ClusterState } from '../workflows/model/states.js';
import { now, type Db } from './knex.js';
import type { ClusterRow } from './rows.js';

export const readCluster = (db: Db, uuid: string): Promise<ClusterRow | undefined> =>
  Promise.resolve(db<ClusterRow>('kubernetes_cluster').where({ uuid }).first());

/** The row of a cluster that must exist. Throws `Internal` when it does not. */
export async function mustReadCluster(db: Db, uuid: string): Promise<ClusterRow> {
  const row = await readCluster(db, uuid);
  if (!row) throw fault('Internal', `there is no cluster ${uuid}`);
  return row;
}

/**
 * Makes every other transaction that decides about the cluster wait until this one ends, and returns its row as it is by then.
 * On SQLite there is only one writing transaction at a time anyway.
 */
export async function holdCluster(trx: Knex.Transaction, uuid: string): Promise<ClusterRow> {
  await trx('kubernetes_cluster').where({ uuid }).forUpdate().first('uuid');
  return mustReadCluster(trx, uuid);
}

/**
 * The only way in which a cluster's state changes: checks the transition table against the row as it is now, and against its
 * generation, so that whoever looked before another change cannot write after it. Returns false when it came too late.
 */
export async function moveCluster(
  db: Db,
  cluster: Pick<ClusterRow, 'uuid' | 'name' | 'state' | 'generation'>,
  to: ClusterState,
  reason: string | null,
): Promise<boolean> {
  if (!mayMove(cluster.state, to))
    throw fault('Internal', `cluster ${cluster.name} may not go from ${cluster.state} to ${to}`);
  const changed = await db('kubernetes_cluster')
    .where({ uuid: cluster.uuid, generation: cluster.generation })
    .update({
      state: to,
      reason: reason === null ? null : reason.slice(0, 2000),
      generation: cluster.generation + 1,
      ...(to === 'Destroyed' && { removed: now(db) }),
    });
  return changed === 1;
}

export const writeDetail = (db: Db, cluster_id: string, name: string, value: string, display = 1): Promise<unknown> =>
  Promise.resolve(
    db('kubernetes_cluster_details')
      .insert({ cluster_id, name, value, display })
      .onConflict(['cluster_id', 'name'])
      .merge({ value }),
  );

/** Details named so say of a component `applied`, `absent` (the medium has none), `removed`, or why it is not there. */
export const COMPONENT = 'component.';
export interface Component {
  name: string;
  health: string;
}

/** What runs in clusters besides their nodes, in one query. */
export async function componentsOfClusters(
  db: Db,
  clusterIds: readonly string[],
): Promise<ReadonlyMap<string, Component[]>> {
  const byCluster = new Map<string, Component[]>();
  if (clusterIds.length === 0) return byCluster;
  const rows = await db('kubernetes_cluster_details')
    .whereIn('cluster_id', [...clusterIds])
    .where('name', 'like', `${COMPONENT}%`)
    .orderBy('name')
    .select<{ cluster_id: string; name: string; value: string }[]>('cluster_id', 'name', 'value');
  for (const { cluster_id, name, value } of rows) {
    const component = { name: name.slice(COMPONENT.length), health: value };
    byCluster.set(cluster_id, [...(byCluster.get(cluster_id) ?? []), component]);
  }
  return byCluster;
}

export async function readDetails(db: Db, cluster_id: string): Promise<Map<string, string>> {
  const rows = await db('kubernetes_cluster_details')
    .where({ cluster_id })
    .select<{ name: string; value: string }[]>('name', 'value');
  return new Map(rows.map(({ name, value }) => [name, value]));
}
