import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';

type Scan = Activities['zoneScan'];
/** A host that hangs delays only itself. */
const hosts = proxyActivities<Scan>({ startToCloseTimeout: '20s', retry: { maximumAttempts: 1 } });
const zone = proxyActivities<Scan>({ startToCloseTimeout: '4m', retry: { maximumAttempts: 2 } });
const WIDTH = 20;

/** One look at a zone: power states by host, states of clusters, API servers that are due, gateways. */
export async function scanZone(zoneId: string): Promise<void> {
  const ids = await zone.hostsOfZone(zoneId);
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < ids.length; i = next++) await hosts.lookAtHost(ids[i]!).catch(() => 0);
  };
  await Promise.all(Array.from({ length: Math.min(WIDTH, ids.length) }, lane));
  await zone.settleClusters(zoneId);
  await zone.probeClusters(zoneId);
  await zone.repairGateways(zoneId);
}
