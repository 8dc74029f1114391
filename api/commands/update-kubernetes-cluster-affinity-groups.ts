import type { Knex } from 'knex';
import { refuseGroups, replaceClusterGroups } from '../../db/affinity.js';
import { holdCluster } from '../../db/clusters.js';
import { transact } from '../../db/knex.js';
import type { ClusterRow, OperationRow } from '../../db/rows.js';
import { writeEvent } from '../../db/write-event.js';
import { readRoleGroups } from '../../workflows/model/affinity.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE, object } from '../command.js';
import { p } from '../params.js';
import { CLUSTER, renderCluster } from '../views/cluster.js';

/** Machines keep their hosts, since their disks are there: the groups decide where nodes go that are made from now on. */
export const updateKubernetesClusterAffinityGroups = command({
  name: 'updateKubernetesClusterAffinityGroups',
  description: 'Replaces the affinity groups of a stopped Kubernetes cluster; nodes that are there keep their hosts',
  since: '4.23.0',
  roles: EVERYONE,
  kubernetes: true,
  params: {
    id: p.uuid('cluster', { description: 'the ID of the Kubernetes cluster', required: true, access: true }),
    nodeaffinitygroups: p.map({
      description:
        'groups per node type: nodeaffinitygroups[0].node=control|worker|etcd, nodeaffinitygroups[0].affinitygroup=<id>,<id>; without it none',
    }),
  },
  response: CLUSTER,
  async handler(ctx, { id, nodeaffinitygroups = [] }) {
    const read = readRoleGroups(nodeaffinitygroups);
    if ('problem' in read) throw fault('Refused', read.problem);
    await transact(ctx.db, async (trx) => {
      const cluster = await holdCluster(trx, id);
      const problem = (await refuse(trx, cluster)) ?? (await refuseGroups(trx, read.groups, cluster.account_id));
      if (problem !== undefined) throw fault('Refused', problem);
      await replaceClusterGroups(trx, cluster, read.groups);
      await writeEvent(trx, {
        type: 'KUBERNETES.CLUSTER.AFFINITY.UPDATE', state: 'Completed', description: `Successfully completed updating affinity groups of Kubernetes cluster ${cluster.name}`,
        user_id: ctx.caller.user.uuid, account_id: cluster.account_id, domain_id: cluster.domain_id, resource_type: 'KubernetesCluster', resource_id: id,
      }); // prettier-ignore
    });
    return object(await renderCluster(ctx.db, id, ctx.caller.role === 'A'));
  },
});

async function refuse(trx: Knex.Transaction, cluster: ClusterRow): Promise<string | undefined> {
  const what = `Affinity groups of Kubernetes cluster ${cluster.name} cannot be updated`;
  if (cluster.removed !== null) return `${what}: it was deleted`;
  if (cluster.cluster_type !== 'CloudManaged') return `${what}: it is ${cluster.cluster_type}, expected CloudManaged`;
  if (cluster.state !== 'Stopped') return `${what}: it is ${cluster.state}, expected Stopped`;
  const holder = await trx('operation')
    .where({ active_cluster_id: cluster.uuid })
    .first<Pick<OperationRow, 'kind'> | undefined>('kind');
  return holder && `${what}: its operation ${holder.kind} is running`;
}
