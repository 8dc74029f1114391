import type { RunToStart } from '../workflows/model/operation.js';
import type { Db } from './knex.js';
import type { ClusterRow, OperationRow } from './rows.js';
import { readZoneQueue } from './zone-queue.js';

/** What the run of an operation is started with. */
export async function readRun(db: Db, operation: OperationRow): Promise<RunToStart | undefined> {
  const cluster = await db<ClusterRow>('kubernetes_cluster').where({ uuid: operation.cluster_id }).first();
  const zone = await db('data_center')
    .where({ uuid: cluster?.zone_id ?? '' })
    .first<{ name: string } | undefined>();
  return (
    cluster && {
      operationId: operation.uuid,
      kind: operation.kind,
      attempt: operation.attempt,
      clusterId: cluster.uuid,
      clusterName: cluster.name,
      accountId: cluster.account_id,
      zoneName: zone?.name ?? '',
      queue: await readZoneQueue(db, cluster.zone_id),
    }
  );
}
