import { AppsV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { ApiClient } from '../scripts/client.js';

/** Leaves so many ready pods in the cluster, spread over all of its nodes, which may be evicted. */
export async function deployPods(api: ApiClient, clusterId: string, replicas: number): Promise<void> {
  const answer = await api.call('getKubernetesClusterConfig', { id: clusterId });
  const config = new KubeConfig();
  config.loadFromString(answer.clusterconfig.configdata as string);
  const labels = { app: 'bench' };
  await config.makeApiClient(AppsV1Api).createNamespacedDeployment({
    namespace: 'default',
    body: {
      metadata: { name: 'bench' },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            containers: [{ name: 'bench', image: 'registry.k8s.io/pause:3.10' }],
            tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }],
          },
        },
      },
    },
  });
  const core = config.makeApiClient(CoreV1Api);
  for (;;) {
    const { items } = await core.listNamespacedPod({ namespace: 'default' });
    const used = new Set(items.filter(({ status }) => status?.phase === 'Running').map(({ spec }) => spec?.nodeName));
    const { items: nodes } = await core.listNode();
    if (items.length === replicas && nodes.every(({ metadata }) => used.has(metadata?.name))) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
