import { isControl, vVersion } from './nodes.js';
import type { KubeObject, Node, Workload } from './objects.js';
import type { Draft, Store } from './store.js';

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
export const SYSTEM = 'kube-system';

/** The cluster has the version of its newest control node, or the one it was made with while it has none. */
export function clusterVersion(store: Store, initial: string): string {
  const parts = (version: string): number[] => version.replace(/^v/, '').split(/[.-]/).map(Number);
  const versions = store
    .list<Node>('nodes')
    .filter(isControl)
    .map((node) => node.status?.nodeInfo?.kubeletVersion ?? '')
    .filter(Boolean)
    .sort(
      (a, b) =>
        parts(a)
          .map((part, at) => part - (parts(b)[at] ?? 0))
          .find((sign) => sign !== 0) ?? 0,
    );
  return vVersion(versions.at(-1) ?? initial);
}

export function put(store: Store, resource: string, draft: Draft): void {
  const current = store.get(resource, draft.metadata.namespace, draft.metadata.name);
  if (!current) store.add(resource, draft);
  else {
    const metadata = { ...current.metadata, ...draft.metadata };
    store.replace(resource, current, { ...current, ...draft, metadata });
  }
}

export function workload(
  kind: 'Deployment' | 'DaemonSet',
  name: string,
  image: string,
  labels: Record<string, string>,
  more: object,
) {
  const { replicas, args, ...podSpec } = more as { replicas?: number; args?: string[] };
  const containers = [{ name, image, ...(args?.length && { args }) }];
  const spec = { containers, serviceAccountName: name, ...podSpec };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: SYSTEM, labels },
    spec: {
      ...(replicas && { replicas }),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec },
    },
  };
}

export interface SystemFacts {
  version: string;
  endpoint: string;
  clusterName: string;
  /** a kubeconfig that names the API and its CA and holds no credentials */
  discoveryKubeconfig: string;
}

/** What kubeadm leaves in a new cluster, at the cluster's present version. */
export function putSystemObjects(store: Store, facts: SystemFacts): void {
  for (const name of NAMESPACES) if (!store.get('namespaces', undefined, name)) addNamespace(store, { name });
  const clusterConfiguration = [
    'apiVersion: kubeadm.k8s.io/v1beta4',
    'kind: ClusterConfiguration',
    `clusterName: ${JSON.stringify(facts.clusterName)}`,
    `controlPlaneEndpoint: ${JSON.stringify(facts.endpoint)}`,
    `kubernetesVersion: ${facts.version}`,
    'certificatesDir: /etc/kubernetes/pki',
    'networking:',
    '  dnsDomain: cluster.local',
    '  podSubnet: 10.244.0.0/16',
    '  serviceSubnet: 10.96.0.0/12',
    '',
  ].join('\n');
  const configMap = (namespace: string, name: string, data: Record<string, string>): void =>
    put(store, 'configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data });
  configMap(SYSTEM, 'kubeadm-config', { ClusterConfiguration: clusterConfiguration });
  configMap('kube-public', 'cluster-info', { kubeconfig: facts.discoveryKubeconfig });
  const service = (namespace: string, name: string, spec: object, labels: Record<string, string>): void =>
    put(store, 'services', { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace, labels }, spec });
  const https = { name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 };
  service(
    'default',
    'kubernetes',
    { type: 'ClusterIP', clusterIP: '10.96.0.1', ports: [https] },
    { component: 'apiserver' },
  );
  const dns = { 'k8s-app': 'kube-dns' };
  const ports = ['UDP', 'TCP'].map((protocol) => {
    return { name: protocol === 'UDP' ? 'dns' : 'dns-tcp', port: 53, protocol, targetPort: 53 };
  });
  service(
    SYSTEM,
    'kube-dns',
    { type: 'ClusterIP', clusterIP: '10.96.0.10', selector: dns, ports },
    {
      ...dns,
      'kubernetes.io/cluster-service': 'true',
      'kubernetes.io/name': 'CoreDNS',
    },
  );
  keepWorkload(store, 'daemonsets.apps', {
    ...workload(
      'DaemonSet',
      'kube-proxy',
      `registry.k8s.io/kube-proxy:${facts.version}`,
      { 'k8s-app': 'kube-proxy' },
      {
        hostNetwork: true,
        tolerations: [{ operator: 'Exists' }],
      },
    ),
  });
  keepWorkload(store, 'deployments.apps', {
    ...workload('Deployment', 'coredns', 'registry.k8s.io/coredns/coredns:v1.12.1', dns, {
      replicas: 2,
      tolerations: ['node-role.kubernetes.io/control-plane', 'CriticalAddonsOnly'].map((key) => ({
        key,
        operator: 'Exists',
      })),
    }),
  });
}

/** An upgrade sets the image and leaves alone what users changed, such as the number of replicas. */
export function keepWorkload(store: Store, resource: string, draft: Draft & { spec: object }): void {
  const current = store.get<Workload>(resource, SYSTEM, draft.metadata.name);
  if (!current) return void store.add(resource, { ...draft, status: {} });
  const { template } = draft.spec as Workload['spec'];
  const containers = template.spec.containers;
  const next = { ...current.spec.template, spec: { ...current.spec.template.spec, containers } };
  store.replace<Workload>(resource, current, { ...current, spec: { ...current.spec, template: next } });
}

export function addNamespace<T extends KubeObject>(store: Store, metadata: Draft['metadata'], spec: object = {}): T {
  const labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name };
  const namespace = store.add<T>('namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { ...metadata, labels },
    spec: { finalizers: ['kubernetes'], ...spec },
    status: { phase: 'Active' },
  });
  const account = { name: 'default', namespace: metadata.name };
  store.add('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account });
  return namespace;
}
