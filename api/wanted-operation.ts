import { readCluster } from '../db/clusters.js';
import { readOperation } from '../db/operations.js';
import type { ClusterRow, OperationRow } from '../db/rows.js';
import { fault } from '../workflows/model/fault.js';
import type { Context } from './command.js';
import { assertAccess } from './ownership.js';
import { p } from './params.js';

export const OPERATION_PARAMS = {
  kubernetesclusterid: p.uuid('cluster', { description: 'the cluster: its current operation, else its latest' }),
  id: p.string({ description: 'the ID of the operation, instead of the cluster' }),
};

/** The operation that a command is about: by its id, or the current, else the latest one of a cluster. */
export async function wantedOperation(
  ctx: Context,
  asked: { kubernetesclusterid?: string; id?: string },
): Promise<{ operation: OperationRow; cluster: ClusterRow }> {
  const operation =
    asked.id !== undefined
      ? await readOperation(ctx.db, asked.id)
      : asked.kubernetesclusterid === undefined
        ? undefined
        : await ctx
            .db<OperationRow>('operation')
            .where({ cluster_id: asked.kubernetesclusterid })
            .orderByRaw('CASE WHEN active_cluster_id IS NULL THEN 1 ELSE 0 END, id DESC')
            .first();
  if (asked.id === undefined && asked.kubernetesclusterid === undefined)
    throw fault('Refused', 'Give kubernetesclusterid or id: one of them says which operation is meant');
  if (!operation)
    throw fault(
      'Refused',
      asked.id === undefined
        ? `Cluster ${asked.kubernetesclusterid} has no operation`
        : `There is no operation ${asked.id}`,
    );
  const cluster = await readCluster(ctx.db, operation.cluster_id);
  if (!cluster) throw fault('Internal', `the cluster of operation ${operation.uuid} is missing`);
  await assertAccess(ctx, cluster.account_id);
  return { operation, cluster };
}
