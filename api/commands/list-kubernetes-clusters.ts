import { listClusters } from '../../db/clusters-list.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { CLUSTER, clusterViews } from '../views/cluster.js';

const TYPES = ['CloudManaged', 'ExternalManaged'];

export const listKubernetesClusters = command({
  name: 'listKubernetesClusters',
  description: 'Lists Kubernetes clusters',
  roles: EVERYONE,
  kubernetes: true,
  params: {
    id: p.uuid('cluster', { description: 'the ID of the Kubernetes cluster' }),
    state: p.string({ description: 'state of the Kubernetes cluster' }),
    name: p.string({ description: 'name of the Kubernetes cluster, exactly; use keyword for a part of it' }),
    clustertype: p.string({ description: 'type of the cluster: CloudManaged or ExternalManaged', since: '4.19.0' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: CLUSTER,
  isList: true,
  async handler(ctx, params) {
    if (params.clustertype !== undefined && !TYPES.includes(params.clustertype)) {
      throw fault(
        'BadParameter',
        `Invalid value for cluster type: expected ${TYPES.join(' or ')}, found "${params.clustertype}"`,
      );
    }
    const owners = await ownersOf(ctx, params, params.id !== undefined);
    const { count, rows } = await listClusters(ctx.db, { ...params, owners }, await pageOf(ctx, params));
    return list(count, await clusterViews(ctx.db, rows, ctx.caller.role === 'A'));
  },
});
