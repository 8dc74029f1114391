import { PatchStrategy, setHeaderOptions, type CoreV1Api, type V1Pod } from '@kubernetes/client-node';
import { fault } from '../../workflows/model/fault.js';
import { waitFor } from '../wait.js';
import { isFault } from '../is-fault.js';
import { ask, statusOf } from './ask.js';

/** Evictions asked for at the same time. */
const WIDTH = 20;

/** Marks the node as not, or again, to be scheduled on. A node that is gone is let be. */
export async function setSchedulable(api: CoreV1Api, name: string, schedulable: boolean): Promise<void> {
  try {
    await api.patchNode(
      { name, body: { spec: { unschedulable: !schedulable } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
  } catch (error) {
    if (statusOf(error) === 404) return;
    await ask(`${schedulable ? 'uncordon' : 'cordon'} node ${name}`, () => Promise.reject(error as Error));
  }
}

/** Pods that an eviction would move: not those of DaemonSets, mirror pods or pods that have ended (`kubectl drain --ignore-daemonsets`). */
export const movable = (pods: readonly V1Pod[]): V1Pod[] =>
  pods.filter(
    ({ metadata, status }) =>
      metadata?.annotations?.['kubernetes.io/config.mirror'] === undefined &&
      !metadata?.ownerReferences?.some(({ kind }) => kind === 'DaemonSet') &&
      status?.phase !== 'Succeeded' &&
      status?.phase !== 'Failed',
  );

const nameOf = ({ metadata }: V1Pod) => `${metadata?.namespace}/${metadata?.name}`;

/**
 * Cordons the node and evicts the pods that are on it then, until these are gone (as `kubectl drain`: what tolerates a cordoned node may come
 * again, and is let be). A budget that allows none now is asked again; what blocks is `seen`. A node that is gone has nothing to drain.
 * On one that is not ready nobody may be there to say that a pod has ended: it is not waited for beyond its grace period.
 */
export async function drainNode(
  api: CoreV1Api,
  name: string,
  pollMs: number,
  seen: (text: string) => Promise<void>,
): Promise<void> {
  await setSchedulable(api, name, false);
  const list = async () =>
    (
      await ask(`list the pods of node ${name}`, () =>
        api.listPodForAllNamespaces({ fieldSelector: `spec.nodeName=${name}` }),
      )
    ).items;
  let wanted: Set<string | undefined> | undefined;
  await waitFor(
    pollMs,
    async () => {
      const pods = movable(await list());
      wanted ??= new Set(pods.map(({ metadata }) => metadata?.uid));
      const left = pods.filter(({ metadata }) => wanted?.has(metadata?.uid));
      if (left.every(isOverdue) && (left.length === 0 || !(await isReady(api, name)))) return true;
      const blocked: string[] = [];
      const todo = left.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
      for (let i = 0; i < todo.length; i += WIDTH)
        await Promise.all(
          todo.slice(i, i + WIDTH).map(async (pod) => {
            if (!(await evict(api, pod))) blocked.push(nameOf(pod));
          }),
        );
      throw blocked.length > 0
        ? fault('EvictionRefused', `disruption budgets do not let these pods of ${name} go now: ${shortly(blocked)}`)
        : fault('EvictionRefused', `pods of ${name} are still ending: ${shortly(left.map(nameOf))}`);
    },
    (error) => isFault(error, 'EvictionRefused') || isFault(error, 'KubernetesUnreachable'),
    seen,
  );
}

/** A pod that is being deleted, and whose grace period has ended: its `deletionTimestamp` is the end of that. */
const isOverdue = ({ metadata }: V1Pod) =>
  metadata?.deletionTimestamp !== undefined && metadata.deletionTimestamp.getTime() < Date.now();

async function isReady(api: CoreV1Api, name: string): Promise<boolean> {
  const node = await ask(`read node ${name}`, () =>
    api.readNode({ name }).catch((error: unknown) => {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }),
  );
  return node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

const shortly = (names: readonly string[]) =>
  `${names.slice(0, 10).join(', ')}${names.length > 10 ? ` and ${names.length - 10} more` : ''}`;

/** False when a disruption budget refuses. */
async function evict(api: CoreV1Api, { metadata }: V1Pod): Promise<boolean> {
  const { name = '', namespace = '' } = metadata ?? {};
  try {
    await api.createNamespacedPodEviction({ name, namespace, body: { metadata: { name, namespace } } });
    return true;
  } catch (error) {
    const status = statusOf(error);
    if (status === 404) return true;
    if (status === 429) return false;
    await ask(`evict pod ${namespace}/${name}`, () => Promise.reject(error as Error));
    return false;
  }
}
