import type { AppsV1Api, CoreV1Api, V1Pod } from '@kubernetes/client-node';
import { ask, statusOf } from './ask.js';
import { movable } from './drain.js';

/** Ready pods by what made them: `namespace/Kind/name`, replica sets of one deployment together. */
export type Baseline = Record<string, number>;

/** A ReplicaSet's name without the hash of its template: another one of the same Deployment counts as the same. */
const owner = ({ metadata }: V1Pod): string | undefined => {
  const [first] = metadata?.ownerReferences ?? [];
  if (!first) return undefined;
  const name = first.kind === 'ReplicaSet' ? first.name.replace(/-[a-z0-9]{5,10}$/, '') : first.name;
  return `${metadata?.namespace}/${first.kind}/${name}`;
};

const isReady = ({ status, metadata }: V1Pod): boolean =>
  metadata?.deletionTimestamp === undefined &&
  (status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false);

/** Counts the ready pods that something keeps: a pod that nothing makes again is not expected back. Jobs end by themselves. */
export async function countReady(api: CoreV1Api): Promise<Baseline> {
  const { items } = await ask('list all pods', () => api.listPodForAllNamespaces());
  const counts: Baseline = {};
  for (const pod of movable(items)) {
    const key = owner(pod);
    if (key === undefined || key.includes('/Job/') || key.includes('/Node/') || !isReady(pod)) continue;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** Pods that the owner wants now, 0 for one that is gone; undefined for a kind that is nobody's but its controller's. */
async function wantedNow(apps: Owners, key: string): Promise<number | undefined> {
  const [namespace = '', kind = '', name = ''] = key.split('/');
  const at = { namespace, name };
  // A replica set is its deployment's, by the name without the hash, or its own.
  const reads = {
    ReplicaSet: [() => apps.readNamespacedDeployment(at), () => apps.readNamespacedReplicaSet(at)],
    StatefulSet: [() => apps.readNamespacedStatefulSet(at)],
  }[kind];
  if (!reads) return undefined;
  for (const read of reads)
    try {
      return (await read()).spec?.replicas ?? 1;
    } catch (error) {
      if (statusOf(error) !== 404) await ask(`look for ${key}`, () => Promise.reject(error as Error));
    }
  return 0;
}
type Owners = Pick<AppsV1Api, 'readNamespacedDeployment' | 'readNamespacedReplicaSet' | 'readNamespacedStatefulSet'>;

/**
 * What has fewer ready pods than before and than its owner wants now, in words; empty when nothing has. A workload that its user makes smaller
 * or deletes meanwhile is not lost. `open`: called only where something has fewer.
 */
export async function missing(before: Baseline, now: Baseline, open: () => Promise<Owners>): Promise<string[]> {
  const fewer = Object.entries(before).filter(([key, count]) => (now[key] ?? 0) < count);
  if (fewer.length === 0) return [];
  const apps = await open();
  const said = await Promise.all(
    fewer.map(async ([key, count]) => {
      const ready = now[key] ?? 0;
      const wanted = Math.min(count, (await wantedNow(apps, key)) ?? count);
      return ready < wanted ? [`${key}: ${ready} ready, ${count} before`] : [];
    }),
  );
  return said.flat();
}
