import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE } from '../command.js';
import { assertManaged, changeCluster, PLAN_PARAMS } from '../lifecycle.js';
import { p } from '../params.js';
import { CLUSTER } from '../views/cluster.js';

/** Puts a new node in the place of one that is lost or ill: the new one first (an extension). */
export const replaceKubernetesNode = command({
  name: 'replaceKubernetesNode',
  description: 'Replaces a node of a Kubernetes cluster by a new one',
  roles: EVERYONE,
  isAsync: true,
  kubernetes: true,
  params: {
    id: p.uuid('cluster', { description: 'the ID of the Kubernetes cluster', required: true }),
    nodeid: p.uuid('machine', { description: 'the ID of the node to be replaced', required: true }),
    ...PLAN_PARAMS,
  },
  response: CLUSTER,
  handler: (ctx, asked) =>
    changeCluster(ctx, asked, async (cluster, facts) => {
      assertManaged(cluster, 'replaceKubernetesNode');
      const node = facts.nodes.find(({ machineId }) => machineId === asked.nodeid);
      if (!node) throw fault('Refused', `Machine ${asked.nodeid} is not a node of cluster ${cluster.name}`);
      if (node.external)
        throw fault('Refused', `${node.name} is a machine of your own: remove it, and add another in its place`);
      if (node.role === 'etcd')
        throw fault('Refused', `${node.name} is a dedicated etcd node: it cannot be replaced, its disk is its data`);
      const others = facts.nodes.filter(
        ({ role, machineId, running, hostUp }) =>
          role === 'control' && machineId !== node.machineId && running && hostUp,
      );
      if (node.role === 'control' && others.length === 0 && (!node.running || !node.hostUp))
        throw fault(
          'Refused',
          `${node.name} is the only control node and does not run: a new one has nobody to join. Start its host or its machine`,
        );
      return { kind: 'replaceNode', request: { machineIds: [node.machineId] } };
    }),
});
