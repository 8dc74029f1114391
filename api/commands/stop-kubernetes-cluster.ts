import { command, EVERYONE } from '../command.js';
import { assertManaged, changeCluster, PLAN_PARAMS } from '../lifecycle.js';
import { p } from '../params.js';

/** Powers the machines of a cluster off; its disks, addresses and rules stay. On one that is off it succeeds at once. */
export const stopKubernetesCluster = command({
  name: 'stopKubernetesCluster',
  description: 'Stops a running Kubernetes cluster',
  roles: EVERYONE,
  isAsync: true,
  kubernetes: true,
  params: {
    id: p.uuid('cluster', { description: 'the ID of the Kubernetes cluster', required: true }),
    ...PLAN_PARAMS,
  },
  response: 'success',
  handler: (ctx, asked) =>
    changeCluster(ctx, asked, async (cluster) => {
      assertManaged(cluster, 'stopKubernetesCluster');
      if (cluster.state === 'Stopped' || cluster.state === 'Stopping') return { done: { success: true } };
      return { kind: 'stop' };
    }),
});
