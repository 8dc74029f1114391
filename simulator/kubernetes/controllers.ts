import { syncBudgets } from './budgets.js';
import { isControl, syncTaints } from './nodes.js';
import { type KubeObject, type Node, type Pod, type PodSpec, type Workload, isReady, ownedBy } from './objects.js';
import { mayRunOn, randomSuffix, schedulePods, syncPodStatus, templateHash } from './pods.js';
import type { Store } from './store.js';

/** Writes to anything else need no controller. */
export const isControlled = (resource: string): boolean =>
  resource === 'nodes' || resource === 'pods' || resource.endsWith('.apps') || resource.endsWith('.policy');

const CHEAP_MS = 5;

/** Runs the controllers after every change. Where that is dear, in a large cluster, they lag: at most a fifth of the time is spent on it. */
export class Controllers {
  private costMs = 0;
  private due = 0;
  private planned?: NodeJS.Timeout;

  /** `late`: called after a run that had to wait. */
  constructor(
    private readonly work: () => void,
    private readonly late: () => void,
  ) {}

  run(): void {
    if (this.planned) return;
    const wait = this.due - performance.now();
    if (this.costMs < CHEAP_MS || wait <= 0) return this.now();
    this.planned = setTimeout(() => {
      this.planned = undefined;
      this.now();
      this.late();
    }, wait).unref();
  }

  stop(): void {
    clearTimeout(this.planned);
  }

  private now(): void {
    const begin = performance.now();
    this.work();
    this.costMs = performance.now() - begin;
    this.due = performance.now() + 4 * this.costMs;
  }
}

/** Runs all controllers until nothing is left to do. They are synchronous: a reader never sees a half-done step. */
export function reconcile(store: Store): void {
  for (let pass = 0; pass < 8; pass++) {
    const before = store.version;
    syncTaints(store);
    collectGarbage(store);
    syncStaticPods(store);
    syncDaemonSets(store);
    syncDeployments(store);
    for (const set of store.list<Workload>('replicasets.apps')) syncReplicas(store, 'replicasets.apps', set);
    for (const set of store.list<Workload>('statefulsets.apps')) syncReplicas(store, 'statefulsets.apps', set);
    schedulePods(store);
    syncPodStatus(store);
    syncBudgets(store);
    if (store.version === before) return;
  }
}

/** Pods of a node that is gone, and dependents of owners that are gone. */
function collectGarbage(store: Store): void {
  for (const resource of ['replicasets.apps', 'pods'])
    for (const object of store.list(resource)) {
      const owners = object.metadata.ownerReferences ?? [];
      const { nodeName } = ((object as Pod).spec ?? {}) as Partial<PodSpec>;
      const homeless = resource === 'pods' && !!nodeName && !store.get('nodes', undefined, nodeName);
      if (!homeless && (!owners.length || owners.some(({ uid }) => store.uids.has(uid)))) continue;
      store.remove(resource, object);
    }
}

const ownerOf = ({ apiVersion, kind, metadata: { name, uid } }: KubeObject) => {
  return [{ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }];
};

function addPod(store: Store, owner: Workload, name: string, spec: PodSpec, labels: Record<string, string> = {}): void {
  const { metadata } = owner.spec.template;
  store.add('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      name,
      namespace: owner.metadata.namespace,
      labels: { ...metadata?.labels, ...labels },
      ownerReferences: ownerOf(owner),
    },
    spec: { restartPolicy: 'Always', serviceAccountName: 'default', ...spec },
    status: { phase: 'Pending' },
  });
}

const owned = new WeakMap<Store, { version: number; byOwner: Map<string, Pod[]> }>();

/** Pods of an owner that are not about to end; looked up once per state of the store, since every workload asks. */
function livePods(store: Store, { metadata: { uid } }: KubeObject): Pod[] {
  let known = owned.get(store);
  if (known?.version !== store.version) {
    known = { version: store.version, byOwner: new Map() };
    owned.set(store, known);
    for (const pod of store.list<Pod>('pods')) {
      if (pod.metadata.deletionTimestamp || ['Succeeded', 'Failed'].includes(pod.status?.phase ?? '')) continue;
      for (const owner of pod.metadata.ownerReferences ?? []) {
        const pods = known.byOwner.get(owner.uid) ?? [];
        pods.push(pod);
        known.byOwner.set(owner.uid, pods);
      }
    }
  }
  return known.byOwner.get(uid) ?? [];
}

const setStatus = (store: Store, resource: string, object: Workload, status: Record<string, number>): Workload =>
  store.replace(resource, object, {
    ...object,
    status: { ...status, observedGeneration: object.metadata.generation ?? 1 },
  });

const STATIC_PODS = { etcd: 'etcd:3.6.5-0', 'kube-apiserver': '', 'kube-controller-manager': '', 'kube-scheduler': '' };

/** Mirror pods of the four static pods that kubeadm puts on a control node. */
function syncStaticPods(store: Store): void {
  for (const node of store.list<Node>('nodes').filter(isControl)) {
    const nodeName = node.metadata.name;
    for (const [component, fixedImage] of Object.entries(STATIC_PODS)) {
      const name = `${component}-${nodeName}`;
      const image = `registry.k8s.io/${fixedImage || `${component}:${node.status?.nodeInfo?.kubeletVersion}`}`;
      const current = store.get<Pod>('pods', 'kube-system', name);
      if (current?.spec.containers[0]?.image === image) continue;
      if (current) store.remove('pods', current);
      const hash = templateHash([name, image]);
      const mark = (key: string) => [`kubernetes.io/config.${key}`, hash];
      const annotations = Object.fromEntries([mark('hash'), mark('mirror'), ['kubernetes.io/config.source', 'file']]);
      const labels = { component, tier: 'control-plane' };
      const tolerations = [{ operator: 'Exists', effect: 'NoExecute' }];
      const spec: PodSpec = { nodeName, hostNetwork: true, tolerations, containers: [{ name: component, image }] };
      store.add('pods', {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'kube-system', labels, annotations, ownerReferences: ownerOf(node) },
        spec: { ...spec, priorityClassName: 'system-node-critical' },
        status: { phase: 'Pending' },
      });
    }
  }
}

const DAEMON_TOLERATIONS = ['not-ready', 'unreachable', 'unschedulable', 'disk-pressure', 'memory-pressure'].map(
  (key) => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists' }),
);

function syncDaemonSets(store: Store): void {
  const resource = 'daemonsets.apps';
  for (const set of store.list<Workload>(resource)) {
    const { spec, metadata } = set.spec.template;
    const podSpec = { ...spec, tolerations: [...(spec.tolerations ?? []), ...DAEMON_TOLERATIONS] };
    const hash = templateHash(set.spec.template);
    const nodes = store.list<Node>('nodes').filter((node) => mayRunOn(podSpec, node));
    const names = new Set(nodes.map((node) => node.metadata.name));
    const covered = new Set<string>();
    for (const pod of livePods(store, set)) {
      const current = pod.metadata.labels?.['controller-revision-hash'] === hash;
      if (current && names.has(pod.spec.nodeName!) && !covered.has(pod.spec.nodeName!)) covered.add(pod.spec.nodeName!);
      else store.remove('pods', pod);
    }
    for (const nodeName of names) {
      if (covered.has(nodeName)) continue;
      const labels = { ...metadata?.labels, 'controller-revision-hash': hash };
      addPod(store, set, `${set.metadata.name}-${randomSuffix()}`, { ...podSpec, nodeName }, labels);
    }
    const ready = livePods(store, set).filter(isReady).length;
    setStatus(store, resource, set, {
      currentNumberScheduled: names.size,
      desiredNumberScheduled: names.size,
      updatedNumberScheduled: names.size,
      numberAvailable: ready,
      numberMisscheduled: 0,
      numberReady: ready,
      numberUnavailable: names.size - ready,
    });
  }
}

/** A deployment has one replica set with pods, that of its present template; older ones are scaled to nothing at once. */
function syncDeployments(store: Store): void {
  for (const deployment of store.list<Workload>('deployments.apps')) {
    const { namespace, name } = deployment.metadata;
    const { template, selector, replicas = 1 } = deployment.spec;
    const hash = templateHash(template);
    const setName = `${name}-${hash}`;
    const labels = { ...template.metadata?.labels, 'pod-template-hash': hash };
    const own = store.list<Workload>('replicasets.apps', namespace).filter((set) => ownedBy(set, deployment));
    for (const set of own) {
      const wanted = set.metadata.name === setName ? replicas : 0;
      store.replace('replicasets.apps', set, { ...set, spec: { ...set.spec, replicas: wanted } });
    }
    if (!own.some((set) => set.metadata.name === setName) && !store.get('replicasets.apps', namespace, setName))
      store.add('replicasets.apps', {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: { name: setName, namespace, labels, ownerReferences: ownerOf(deployment) },
        spec: {
          replicas,
          selector: { ...selector, matchLabels: { ...selector?.matchLabels, 'pod-template-hash': hash } },
          template: { ...template, metadata: { ...template.metadata, labels } },
        },
        status: { replicas: 0 },
      });
    const current = store.get<Workload>('replicasets.apps', namespace, setName);
    const pods = current ? livePods(store, current) : [];
    const ready = pods.filter(isReady).length;
    const counts = {
      replicas: pods.length,
      updatedReplicas: pods.length,
      readyReplicas: ready,
      availableReplicas: ready,
    };
    const missing = Math.max(0, replicas - ready);
    setStatus(store, 'deployments.apps', deployment, { ...counts, ...(missing && { unavailableReplicas: missing }) });
  }
}

function syncReplicas(store: Store, resource: string, set: Workload): void {
  const wanted = set.metadata.deletionTimestamp ? 0 : (set.spec.replicas ?? 1);
  const { name, namespace } = set.metadata;
  const ordinal = resource.startsWith('stateful');
  const pods = livePods(store, set);
  for (const pod of pods.slice(wanted)) store.remove('pods', pod);
  for (let index = 0, count = pods.length; count < wanted && index < 2 * wanted; index++) {
    const podName = `${name}-${ordinal ? index : randomSuffix()}`;
    if (store.get('pods', namespace, podName)) continue;
    addPod(store, set, podName, set.spec.template.spec);
    count++;
  }
  const ready = livePods(store, set).filter(isReady).length;
  const replicas = livePods(store, set).length;
  const counts = { replicas, readyReplicas: ready, availableReplicas: ready };
  const extra: Record<string, number> = ordinal
    ? { currentReplicas: replicas, updatedReplicas: replicas }
    : { fullyLabeledReplicas: replicas };
  setStatus(store, resource, set, { ...counts, ...extra });
}
