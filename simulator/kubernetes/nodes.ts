import { type Condition, type KubeObject, type Node, type Taint, condition, isReady, timestamp } from './objects.js';
import type { Draft, Store } from './store.js';

export interface NodeFacts {
  name: string;
  role: 'control' | 'worker';
  address: string;
  version: string;
  machineId: string;
  cpus?: number;
  ramMb?: number;
}

export const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';
const LEASES = 'leases.coordination.k8s.io';
export const OS_IMAGE = 'Simulated node (CKS simulator)';

export const vVersion = (version: string): string => `v${version.replace(/^v/, '')}`;
export const isControl = (node: Node): boolean => CONTROL_PLANE in (node.metadata.labels ?? {});
export const addressOf = (node: Node): string | undefined =>
  node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;

const MICRO = (at = Date.now()): string => new Date(at).toISOString().replace('Z', '000Z');
const PRESSURES = [
  ['MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
] as const;

type Readiness = boolean | 'Unknown';
const READINESS = {
  True: ['KubeletReady', 'kubelet is posting ready status (simulated)'],
  False: ['KubeletNotReady', 'container runtime network not ready (simulated)'],
  Unknown: ['NodeStatusUnknown', 'Kubelet stopped posting node status.'],
} as const;
const statusOf = (ready: Readiness) => (ready === 'Unknown' ? ready : ready ? 'True' : 'False');

function readyCondition(ready: Readiness): Condition {
  const now = timestamp();
  const status = statusOf(ready);
  const [reason, message] = READINESS[status];
  return { type: 'Ready', status, reason, message, lastHeartbeatTime: now, lastTransitionTime: now };
}

/** Registers a node as its kubelet would, or brings what the kubelet owns of a known one up to date. */
export function upsertNode(store: Store, facts: NodeFacts): void {
  const { name, role, address, version, machineId, cpus = 2, ramMb = 4096 } = facts;
  const kubeletVersion = vVersion(version);
  const hash = machineId.replaceAll('-', '');
  const nodeInfo = {
    architecture: 'amd64',
    bootID: machineId,
    containerRuntimeVersion: 'simulated://1.0',
    kernelVersion: '0.0.0-simulated',
    kubeProxyVersion: kubeletVersion,
    kubeletVersion,
    machineID: hash,
    operatingSystem: 'linux',
    osImage: OS_IMAGE,
    systemUUID: machineId,
  };
  const addresses = [
    { type: 'InternalIP', address },
    { type: 'Hostname', address: name },
  ];
  const memory = `${ramMb * 1024}Ki`;
  const capacity = { cpu: String(cpus), 'ephemeral-storage': '20Gi', 'hugepages-2Mi': '0', memory, pods: '110' };
  const own = { addresses, capacity, allocatable: capacity, nodeInfo };
  const current = store.get<Node>('nodes', undefined, name);
  if (current) {
    store.replace<Node>('nodes', current, { ...current, status: { ...current.status, ...own } });
    return;
  }
  const now = timestamp();
  const labels: Record<string, string> = {};
  for (const prefix of ['beta.kubernetes.io', 'kubernetes.io'])
    Object.assign(labels, { [`${prefix}/arch`]: 'amd64', [`${prefix}/os`]: 'linux' });
  labels['kubernetes.io/hostname'] = name;
  if (role === 'control')
    Object.assign(labels, { [CONTROL_PLANE]: '', 'node.kubernetes.io/exclude-from-external-load-balancers': '' });
  const pressures = PRESSURES.map(([type, reason, message]): Condition => {
    return { type, status: 'False', reason, message, lastHeartbeatTime: now, lastTransitionTime: now };
  });
  store.add('nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels, annotations: { 'node.alpha.kubernetes.io/ttl': '0' } },
    spec: {
      podCIDR: `10.244.${store.list('nodes').length % 256}.0/24`,
      ...(role === 'control' && { taints: [{ key: CONTROL_PLANE, effect: 'NoSchedule' }] }),
    },
    status: { ...own, conditions: [...pressures, readyCondition(false)] },
  } satisfies Draft);
  const lease = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: MICRO() };
  const metadata = { name, namespace: 'kube-node-lease' };
  if (!store.get(LEASES, metadata.namespace, name))
    store.add(LEASES, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: lease });
}

export function setNodeReady(store: Store, name: string, ready: Readiness): void {
  const node = store.get<Node>('nodes', undefined, name);
  if (!node || condition(node, 'Ready')?.status === statusOf(ready)) return;
  const lease = store.get('leases.coordination.k8s.io', 'kube-node-lease', name);
  if (lease && isReady(node)) store.replace(LEASES, lease, heartbeat(store, LEASES, lease));
  const others = (node.status.conditions ?? []).filter(({ type }) => type !== 'Ready');
  const conditions = [...others, readyCondition(ready)];
  store.replace<Node>('nodes', node, { ...node, status: { ...node.status, conditions } });
  recordEvent(
    store,
    name,
    ready === true ? 'NodeReady' : 'NodeNotReady',
    `Node ${name} status is now: Node${ready === true ? '' : 'Not'}Ready`,
  );
}

/** Takes a node away with its lease; its pods follow when the controllers run. */
export function removeNode(store: Store, name: string): void {
  const node = store.get('nodes', undefined, name);
  const lease = store.get(LEASES, 'kube-node-lease', name);
  if (node) store.remove('nodes', node);
  if (lease) store.remove(LEASES, lease);
}

const LIFECYCLE = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unschedulable'];

/** The taints that the node lifecycle controller keeps for a node that is not ready or cordoned. */
export function syncTaints(store: Store): void {
  for (const node of store.list<Node>('nodes')) {
    const wanted = [!isReady(node) && LIFECYCLE[0]!, node.spec?.unschedulable && LIFECYCLE[1]!].filter((key) => !!key);
    const found = (node.spec?.taints ?? []).filter(({ key }) => LIFECYCLE.includes(key)).length;
    if (wanted.length === 0 && found === 0) continue;
    const own = (node.spec?.taints ?? []).filter(({ key }) => !LIFECYCLE.includes(key) || wanted.includes(key));
    const missing = wanted.filter((key) => !own.some((taint) => taint.key === key));
    const taints: Taint[] = [...own, ...missing.map((key) => ({ key: String(key), effect: 'NoSchedule' }))];
    const { taints: _, ...spec } = node.spec ?? {};
    store.replace<Node>('nodes', node, { ...node, spec: taints.length ? { ...spec, taints } : spec });
  }
}

/** Heartbeats exist only while someone looks: a ready node's last sign of life is the moment of the request. */
export function heartbeat(store: Store, resource: string, object: KubeObject): KubeObject {
  if (resource === LEASES && object.metadata.namespace === 'kube-node-lease') {
    const node = store.get<Node>('nodes', undefined, object.metadata.name);
    if (!node || !isReady(node)) return object;
    return { ...object, spec: { ...(object.spec as object), renewTime: MICRO() } };
  }
  if (resource !== 'nodes' || !isReady(object as Node)) return object;
  const { status } = object as Node;
  const conditions = status.conditions?.map((each) => ({ ...each, lastHeartbeatTime: timestamp() }));
  return { ...object, status: { ...status, conditions } };
}

const EVENTS_KEPT = 50;

function recordEvent(store: Store, node: string, reason: string, note: string): void {
  const events = store.list('events', 'default');
  if (events.length >= EVENTS_KEPT) store.remove('events', events[0]!);
  const now = timestamp();
  store.add('events', {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${node}.${store.version.toString(16).padStart(16, '0')}`, namespace: 'default' },
    involvedObject: { kind: 'Node', name: node, uid: node },
    reason,
    message: note,
    type: 'Normal',
    source: { component: 'node-controller', host: node },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
    reportingComponent: 'node-controller',
  });
}
