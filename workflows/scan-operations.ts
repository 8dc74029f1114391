import { patched, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { followsCurrentBuild } from './engine/builds.js';

type Scan = Activities['scan'];
const LIMITS = { startToCloseTimeout: '60s', retry: { maximumAttempts: 2 } } as const;
/** Within the task of the workflow itself: a look every few seconds is most of what Temporal has to do while nothing else happens. */
const scan = proxyLocalActivities<Scan>(LIMITS);
/** As runs of an earlier release began. */
const onQueue = proxyActivities<Scan>(LIMITS);

/** One look at all operations: lost ones are started, ended ones whose run is gone are settled, unfinished deletes go on. */
export async function scanOperations(): Promise<void> {
  await (patched('local-look') ? scan : onQueue).settleOperations();
}
followsCurrentBuild(scanOperations);
