import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE } from '../command.js';
import { assertManaged, changeCluster, PLAN_PARAMS } from '../lifecycle.js';
import { p } from '../params.js';
import { CLUSTER } from '../views/cluster.js';

/** Lets machines go that were added as workers: drained, reset, not destroyed (`api.md` §2.10). */
export const removeNodesFromKubernetesCluster = command({
  name: 'removeNodesFromKubernetesCluster',
  description: 'Removes machines that were added from a Kubernetes cluster',
  since: '4.21.0',
  roles: EVERYONE,
  isAsync: true,
  kubernetes: true,
  params: {
    id: p.uuid('cluster', { description: 'the ID of the Kubernetes cluster', required: true }),
    nodeids: p.uuids('machine', { description: 'the IDs of the machines to be removed', required: true }),
    ...PLAN_PARAMS,
  },
  response: CLUSTER,
  handler: (ctx, asked) =>
    changeCluster(ctx, asked, async (cluster, facts) => {
      assertManaged(cluster, 'removeNodesFromKubernetesCluster');
      const members = facts.nodes.filter(({ machineId }) => asked.nodeids.includes(machineId));
      const own = members.filter(({ external }) => !external);
      if (own.length > 0)
        throw fault(
          'Refused',
          `${own.map(({ name }) => name).join(', ')} was made by the service: remove it with scaleKubernetesCluster and nodeids`,
        );
      if (members.length === 0)
        throw fault(
          'Refused',
          `None of the machines is an added node of cluster ${cluster.name}: ${asked.nodeids.join(', ')}`,
        );
      if (members.length === facts.nodes.filter(({ role }) => role === 'worker').length)
        throw fault('Refused', `Cluster ${cluster.name} would have no worker left: add another one first`);
      return { kind: 'removeNodes', request: { machineIds: members.map(({ machineId }) => machineId) } };
    }),
});
