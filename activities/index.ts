import { bookkeepingActivities, claimingActivities } from './bookkeeping.js';
import type { Deps } from './deps.js';
import { gatewayActivities } from './gateway/index.js';
import { hypervisorActivities } from './hypervisor/index.js';
import { kubernetesActivities } from './kubernetes/index.js';
import { nodeActivities } from './node/index.js';
import { scanActivities } from './scan.js';
import { asSteps } from './step.js';
import { storeActivities } from './store/index.js';

/** All activities, by group. */
export const buildActivities = (deps: Deps) => ({
  bookkeeping: bookkeepingActivities(deps),
  claiming: claimingActivities(deps),
  scan: scanActivities(deps),
  steps: {
    store: asSteps(deps.db, storeActivities(deps)),
    hypervisor: asSteps(deps.db, hypervisorActivities(deps)),
    gateway: asSteps(deps.db, gatewayActivities(deps)),
    node: asSteps(deps.db, nodeActivities(deps)),
    kubernetes: asSteps(deps.db, kubernetesActivities(deps)),
  },
});
export type Activities = ReturnType<typeof buildActivities>;

/** As a worker registers them: step activities as `group.name`. */
export function registered({
  bookkeeping,
  claiming,
  scan,
  steps,
}: Activities): Record<string, (...args: never[]) => Promise<unknown>> {
  const named = Object.entries(steps).flatMap(([group, activities]) =>
    Object.entries(activities).map(
      ([name, activity]) => [`${group}.${name}`, activity as (...args: never[]) => Promise<unknown>] as const,
    ),
  );
  return { ...bookkeeping, ...claiming, ...scan, ...Object.fromEntries(named) };
}
