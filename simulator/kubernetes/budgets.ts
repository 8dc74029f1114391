import { type DisruptionBudget, type Pod, isReady } from './objects.js';
import { matchesLabels } from './selectors.js';
import { StatusError } from './status-error.js';
import type { Store } from './store.js';

const BUDGETS = 'poddisruptionbudgets.policy';

const selects = ({ spec, metadata }: DisruptionBudget, pod: Pod): boolean =>
  !!spec?.selector &&
  metadata.namespace === pod.metadata.namespace &&
  matchesLabels(spec.selector, pod.metadata.labels);

const share = (value: number | string, of: number): number =>
  typeof value === 'string' && value.endsWith('%') ? Math.ceil((parseFloat(value) / 100) * of) : Number(value);

interface BudgetStatus extends Record<string, number> {
  currentHealthy: number;
  desiredHealthy: number;
  disruptionsAllowed: number;
  expectedPods: number;
}

function statusOf(store: Store, budget: DisruptionBudget): BudgetStatus {
  const all = store.list<Pod>('pods', budget.metadata.namespace).filter((pod) => selects(budget, pod));
  const pods = all.filter((pod) => !pod.metadata.deletionTimestamp);
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  const expectedPods = pods.length;
  const currentHealthy = pods.filter(isReady).length;
  const desiredHealthy =
    maxUnavailable !== undefined
      ? Math.max(0, expectedPods - share(maxUnavailable, expectedPods))
      : share(minAvailable ?? 1, expectedPods);
  const disruptionsAllowed = expectedPods ? Math.max(0, currentHealthy - desiredHealthy) : 0;
  return { currentHealthy, desiredHealthy, disruptionsAllowed, expectedPods };
}

export function syncBudgets(store: Store): void {
  for (const budget of store.list<DisruptionBudget>(BUDGETS)) {
    const status = { ...statusOf(store, budget), observedGeneration: budget.metadata.generation };
    store.replace<DisruptionBudget>(BUDGETS, budget, { ...budget, status: { ...budget.status, ...status } });
  }
}

/** Throws what the API server answers when a disruption budget does not let this pod go. */
export function assertEvictable(store: Store, pod: Pod): void {
  if (pod.metadata.deletionTimestamp || ['Pending', 'Succeeded', 'Failed'].includes(pod.status?.phase ?? '')) return;
  const budgets = store.list<DisruptionBudget>(BUDGETS).filter((budget) => selects(budget, pod));
  if (budgets.length > 1)
    throw new StatusError(
      500,
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  for (const budget of budgets) {
    const { currentHealthy, desiredHealthy, disruptionsAllowed } = statusOf(store, budget);
    const unhealthyMayGo =
      budget.spec.unhealthyPodEvictionPolicy === 'AlwaysAllow' ||
      (currentHealthy >= desiredHealthy && desiredHealthy > 0);
    if (disruptionsAllowed > 0 || (!isReady(pod) && unhealthyMayGo)) continue;
    const { name } = budget.metadata;
    const message = `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
    throw new StatusError(429, "Cannot evict pod as it would violate the pod's disruption budget.", 'TooManyRequests', {
      causes: [{ reason: 'DisruptionBudget', message }],
    });
  }
}
