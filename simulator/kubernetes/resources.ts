import type { KubeObject } from './objects.js';
import type { Store } from './store.js';

export interface Resource {
  /** plural, with the group behind it unless that is the core group: `pods`, `leases.coordination.k8s.io` */
  id: string;
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
  shortNames: string[];
  subresources: string[];
  categories: string[];
}

type Line = [plural: string, kind: string, scope: 'ns' | '-', shortNames?: string, subresources?: string, all?: 'all'];

const TABLE: Record<string, Line[]> = {
  v1: [
    ['configmaps', 'ConfigMap', 'ns', 'cm'],
    ['endpoints', 'Endpoints', 'ns', 'ep'],
    ['events', 'Event', 'ns', 'ev'],
    ['limitranges', 'LimitRange', 'ns', 'limits'],
    ['namespaces', 'Namespace', '-', 'ns', 'status'],
    ['nodes', 'Node', '-', 'no', 'status'],
    ['persistentvolumeclaims', 'PersistentVolumeClaim', 'ns', 'pvc', 'status'],
    ['persistentvolumes', 'PersistentVolume', '-', 'pv', 'status'],
    ['pods', 'Pod', 'ns', 'po', 'status eviction', 'all'],
    ['resourcequotas', 'ResourceQuota', 'ns', 'quota', 'status'],
    ['secrets', 'Secret', 'ns'],
    ['serviceaccounts', 'ServiceAccount', 'ns', 'sa'],
    ['services', 'Service', 'ns', 'svc', 'status', 'all'],
  ],
  'admissionregistration.k8s.io/v1': [
    ['mutatingwebhookconfigurations', 'MutatingWebhookConfiguration', '-'],
    ['validatingwebhookconfigurations', 'ValidatingWebhookConfiguration', '-'],
  ],
  'apiextensions.k8s.io/v1': [['customresourcedefinitions', 'CustomResourceDefinition', '-', 'crd crds', 'status']],
  'apps/v1': [
    ['daemonsets', 'DaemonSet', 'ns', 'ds', 'status', 'all'],
    ['deployments', 'Deployment', 'ns', 'deploy', 'status scale', 'all'],
    ['replicasets', 'ReplicaSet', 'ns', 'rs', 'status scale', 'all'],
    ['statefulsets', 'StatefulSet', 'ns', 'sts', 'status scale', 'all'],
  ],
  'autoscaling/v2': [['horizontalpodautoscalers', 'HorizontalPodAutoscaler', 'ns', 'hpa', 'status', 'all']],
  'batch/v1': [
    ['cronjobs', 'CronJob', 'ns', 'cj', 'status', 'all'],
    ['jobs', 'Job', 'ns', '', 'status', 'all'],
  ],
  'coordination.k8s.io/v1': [['leases', 'Lease', 'ns']],
  'discovery.k8s.io/v1': [['endpointslices', 'EndpointSlice', 'ns']],
  'networking.k8s.io/v1': [
    ['ingresses', 'Ingress', 'ns', 'ing', 'status'],
    ['ingressclasses', 'IngressClass', '-'],
    ['networkpolicies', 'NetworkPolicy', 'ns', 'netpol'],
  ],
  'policy/v1': [['poddisruptionbudgets', 'PodDisruptionBudget', 'ns', 'pdb', 'status']],
  'rbac.authorization.k8s.io/v1': [
    ['clusterrolebindings', 'ClusterRoleBinding', '-'],
    ['clusterroles', 'ClusterRole', '-'],
    ['rolebindings', 'RoleBinding', 'ns'],
    ['roles', 'Role', 'ns'],
  ],
  'scheduling.k8s.io/v1': [['priorityclasses', 'PriorityClass', '-', 'pc']],
  'storage.k8s.io/v1': [
    ['csidrivers', 'CSIDriver', '-'],
    ['storageclasses', 'StorageClass', '-', 'sc'],
  ],
};

const words = (text = ''): string[] => text.split(' ').filter(Boolean);

const BUILT_IN: Resource[] = Object.entries(TABLE).flatMap(([groupVersion, lines]) =>
  lines.map(([plural, kind, scope, shortNames, subresources, all]) => {
    const [version = '', group = ''] = groupVersion.split('/').reverse();
    const id = group ? `${plural}.${group}` : plural;
    const categories = words(all);
    const names = { shortNames: words(shortNames), subresources: words(subresources), categories };
    return { id, group, version, plural, kind, namespaced: scope === 'ns', ...names };
  }),
);

interface CustomResourceDefinition extends KubeObject {
  spec: {
    group: string;
    scope: string;
    names: { plural: string; kind: string; shortNames?: string[]; categories?: string[] };
    versions: { name: string; served?: boolean; subresources?: { status?: unknown } }[];
  };
}

const custom = ({ spec }: CustomResourceDefinition): Resource[] =>
  (spec?.versions ?? [])
    .filter((version) => version.served !== false)
    .map((version) => ({
      id: `${spec.names.plural}.${spec.group}`,
      group: spec.group,
      version: version.name,
      plural: spec.names.plural,
      kind: spec.names.kind,
      namespaced: spec.scope === 'Namespaced',
      shortNames: spec.names.shortNames ?? [],
      categories: spec.names.categories ?? [],
      subresources: version.subresources?.status ? ['status'] : [],
    }));

/** Everything this API serves: the table above and what custom resource definitions add. */
export function resourcesOf(store: Store): Resource[] {
  const definitions = store.list<CustomResourceDefinition>('customresourcedefinitions.apiextensions.k8s.io');
  return definitions.length ? [...BUILT_IN, ...definitions.flatMap(custom)] : BUILT_IN;
}

export const groupVersionOf = ({ group, version }: Resource): string => (group ? `${group}/${version}` : version);
