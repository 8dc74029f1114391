import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { followsCurrentBuild } from './engine/builds.js';

const scan = proxyActivities<Activities['scan']>({ startToCloseTimeout: '60s', retry: { maximumAttempts: 2 } });

/** Removes what is past its time: jobs that ended long ago, sessions that ended. */
export async function applyRetention(): Promise<void> {
  await scan.applyRetention();
}
followsCurrentBuild(applyRetention);
