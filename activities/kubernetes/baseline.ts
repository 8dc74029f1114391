import type { CoreV1Api, V1Pod } from '@kubernetes/client-node';
import { ask } from './ask.js';
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

/** What has fewer ready pods than before, in words; empty when nothing has. */
export const missing = (before: Baseline, now: Baseline): string[] =>
  Object.entries(before).flatMap(([key, count]) =>
    (now[key] ?? 0) < count ? [`${key}: ${now[key] ?? 0} ready, ${count} before`] : [],
  );
