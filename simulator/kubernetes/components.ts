import type { Store } from './store.js';
import { SYSTEM, keepWorkload, put, workload } from './system-objects.js';

/** What the manifests of a version's medium would make: one deployment each, named as theirs. */
const DEPLOYMENTS = {
  network: 'calico-kube-controllers',
  dashboard: 'headlamp',
  provider: 'cloud-controller-manager',
  csi: 'cloudstack-csi-controller',
  autoscaler: 'cluster-autoscaler',
};
export type Component = keyof typeof DEPLOYMENTS;
export const isComponent = (name: string): name is Component => Object.hasOwn(DEPLOYMENTS, name);

export function putComponent(store: Store, component: Component, args: string[]): void {
  const name = DEPLOYMENTS[component];
  const labels = { 'k8s-app': name };
  const image = `example.org/simulated/${name}:1`;
  const tolerations = [{ operator: 'Exists' }];
  const draft = workload('Deployment', name, image, labels, { replicas: 1, tolerations, args });
  keepWorkload(store, 'deployments.apps', draft);
  const ports = [{ port: 80, protocol: 'TCP', targetPort: 4466 }];
  const spec = { type: 'ClusterIP', clusterIP: '10.96.0.80', selector: labels, ports };
  const metadata = { name, namespace: SYSTEM, labels };
  if (component === 'dashboard') put(store, 'services', { apiVersion: 'v1', kind: 'Service', metadata, spec });
}

export function removeComponent(store: Store, component: Component): void {
  for (const resource of ['deployments.apps', 'services']) {
    const found = store.get(resource, SYSTEM, DEPLOYMENTS[component]);
    if (found) store.remove(resource, found);
  }
}
