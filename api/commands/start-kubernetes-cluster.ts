import { command, EVERYONE } from '../command.js';
import { assertManaged, changeCluster, PLAN_PARAMS } from '../lifecycle.js';
import { p } from '../params.js';
import { CLUSTER } from '../views/cluster.js';

/** Starts the machines of a stopped cluster; on one that runs or is starting it succeeds at once. */
export const startKubernetesCluster = command({
  name: 'startKubernetesCluster',
  description: 'Starts a stopped Kubernetes cluster',
  roles: EVERYONE,
  isAsync: true,
  kubernetes: true,
  params: {
    id: p.uuid('cluster', { description: 'the ID of the Kubernetes cluster', required: true }),
    ...PLAN_PARAMS,
  },
  response: CLUSTER,
  handler: (ctx, asked) =>
    changeCluster(ctx, asked, async (cluster) => {
      assertManaged(cluster, 'startKubernetesCluster');
      if (cluster.state === 'Running' || cluster.state === 'Starting')
        return { done: { object: 'kubernetescluster', id: cluster.uuid } };
      return { kind: 'start' };
    }),
});
