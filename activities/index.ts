import { bookkeepingActivities, claimingActivities } from './bookkeeping.js';
import type { Deps } from './deps.js';
import { evidenceActivities } from './evidence.js';
import { gatewayActivities } from './gateway/index.js';
import { hostActivities } from './hosts.js';
import { hypervisorActivities } from './hypervisor/index.js';
import { imageActivities } from './images/index.js';
import { kubernetesActivities } from './kubernetes/index.js';
import { machineActivities } from './machines.js';
import { networkActivities } from './networks.js';
import { nodeActivities } from './node/index.js';
import { scanActivities } from './scan.js';
import { asSteps } from './step.js';
import { storeActivities } from './store/index.js';
import { zoneScanActivities } from './zone-scan.js';

/** All activities, by group. */
export const buildActivities = (deps: Deps) => ({
  bookkeeping: bookkeepingActivities(deps),
  claiming: claimingActivities(deps),
  evidence: evidenceActivities(deps),
  scan: scanActivities(deps),
  zoneScan: zoneScanActivities(deps),
  images: imageActivities(deps),
  hosts: hostActivities(deps),
  machines: machineActivities(deps),
  networks: networkActivities(deps),
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
  evidence,
  scan,
  zoneScan,
  images,
  hosts,
  machines,
  networks,
  steps,
}: Activities): Record<string, (...args: never[]) => Promise<unknown>> {
  const named = Object.entries(steps).flatMap(([group, activities]) =>
    Object.entries(activities).map(
      ([name, activity]) => [`${group}.${name}`, activity as (...args: never[]) => Promise<unknown>] as const,
    ),
  );
  return {
    ...bookkeeping,
    ...claiming,
    ...evidence,
    ...scan,
    ...zoneScan,
    ...images,
    ...hosts,
    ...machines,
    ...networks,
    ...Object.fromEntries(named),
  };
}
