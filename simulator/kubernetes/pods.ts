import { createHash, randomInt } from 'node:crypto';
import { addressOf } from './nodes.js';
import { type Node, type Pod, type PodSpec, isReady, timestamp } from './objects.js';
import type { Store } from './store.js';

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
export const randomSuffix = (): string =>
  Array.from({ length: 5 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
export const templateHash = (template: unknown): string =>
  [...createHash('sha256').update(JSON.stringify(template)).digest().subarray(0, 9)]
    .map((byte) => ALPHABET[byte % ALPHABET.length])
    .join('');

export function mayRunOn(spec: PodSpec, node: Node): boolean {
  const wanted = Object.entries(spec.nodeSelector ?? {});
  const tolerations = spec.tolerations ?? [];
  return (
    !node.metadata.deletionTimestamp &&
    wanted.every(([key, value]) => node.metadata.labels?.[key] === value) &&
    (node.spec?.taints ?? []).every(
      (taint) =>
        taint.effect === 'PreferNoSchedule' ||
        tolerations.some(
          ({ key, operator, value, effect }) =>
            (!effect || effect === taint.effect) &&
            (!key || (key === taint.key && (operator === 'Exists' || (value ?? '') === (taint.value ?? '')))),
        ),
    )
  );
}

/** Binds pods that have no node to the ready node with the fewest pods; what fits nowhere stays Pending. */
export function schedulePods(store: Store): void {
  const waiting = store.list<Pod>('pods').filter((pod) => !pod.spec.nodeName && !pod.metadata.deletionTimestamp);
  if (!waiting.length) return;
  const load = new Map(store.list<Node>('nodes').map((node) => [node.metadata.name, 0]));
  for (const { spec } of store.list<Pod>('pods'))
    if (spec.nodeName) load.set(spec.nodeName, (load.get(spec.nodeName) ?? 0) + 1);
  for (const pod of waiting) {
    const [node] = store
      .list<Node>('nodes')
      .filter((each) => isReady(each) && mayRunOn(pod.spec, each))
      .sort((a, b) => load.get(a.metadata.name)! - load.get(b.metadata.name)!);
    const nodeName = node?.metadata.name;
    if (nodeName) load.set(nodeName, load.get(nodeName)! + 1);
    if (nodeName) store.replace<Pod>('pods', pod, { ...pod, spec: { ...pod.spec, nodeName } });
  }
}

/** Gives every pod the status its node lets it have. */
export function syncPodStatus(store: Store): void {
  for (const pod of store.list<Pod>('pods')) {
    if (['Succeeded', 'Failed'].includes(pod.status?.phase ?? '') || pod.metadata.deletionTimestamp) continue;
    const node = pod.spec.nodeName ? store.get<Node>('nodes', undefined, pod.spec.nodeName) : undefined;
    const ready = !!node && isReady(node);
    const phase = node ? 'Running' : 'Pending';
    if (pod.status?.phase === phase && isReady(pod) === ready) continue;
    store.replace<Pod>('pods', pod, { ...pod, status: podStatus(store, pod, node, ready) });
  }
}

function podStatus(store: Store, pod: Pod, node: Node | undefined, ready: boolean): Pod['status'] {
  const now = timestamp();
  const flag = (type: string, value: boolean, reason?: string, message?: string) => {
    return { type, status: value ? ('True' as const) : ('False' as const), lastTransitionTime: now, reason, message };
  };
  if (!node) {
    const conditions = [
      flag('PodScheduled', false, 'Unschedulable', 'no ready node that the pod tolerates (simulated)'),
    ];
    return { phase: 'Pending', qosClass: 'BestEffort', conditions };
  }
  const hostIP = addressOf(node);
  const place = store.version % 65_000;
  const podIP = pod.spec.hostNetwork ? hostIP : (pod.status?.podIP ?? `10.244.${place >> 8}.${(place % 254) + 1}`);
  return {
    ...pod.status,
    phase: 'Running',
    hostIP,
    hostIPs: [{ ip: hostIP }],
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: pod.status?.startTime ?? now,
    qosClass: 'BestEffort',
    conditions: [
      flag('Initialized', true),
      flag('Ready', ready, ready ? undefined : 'NodeNotReady'),
      flag('ContainersReady', ready),
      flag('PodScheduled', true),
    ],
    containerStatuses: pod.spec.containers.map(({ name, image }) => ({
      name,
      image,
      imageID: `simulated://${image}`,
      containerID: `simulated://${pod.metadata.uid}/${name}`,
      ready,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: pod.status?.startTime ?? now } },
    })),
  };
}
