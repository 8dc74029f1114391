import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { followsCurrentBuild } from './engine/builds.js';

const scan = proxyActivities<Activities['scan']>({ startToCloseTimeout: '60s', retry: { maximumAttempts: 2 } });

/** One look at all operations: lost ones are started, ended ones whose run is gone are settled, unfinished deletes go on. */
export async function scanOperations(): Promise<void> {
  await scan.settleOperations();
}
followsCurrentBuild(scanOperations);
