import { readCluster } from '../db/clusters.js';
import type { ClusterRow } from '../db/rows.js';
import { fault } from '../workflows/model/fault.js';
import type { Context } from './command.js';
import { assertAccess } from './ownership.js';

/** The cluster of an add or remove of members. Throws unless it is there, the caller's, and run by somebody else. */
export async function externalCluster(ctx: Context, id: string): Promise<ClusterRow> {
  const cluster = await readCluster(ctx.db, id);
  if (!cluster || cluster.removed !== null)
    throw fault('Refused', `Invalid Kubernetes cluster id ${id}: the cluster was deleted`);
  await assertAccess(ctx, cluster.account_id);
  if (cluster.cluster_type !== 'ExternalManaged')
    throw fault(
      'Refused',
      `Kubernetes cluster ${cluster.name} is CloudManaged: its machines are added with addNodesToKubernetesCluster and removed with removeNodesFromKubernetesCluster`,
    );
  return cluster;
}
