import { patched, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { onQueue, type ZoneQueue } from './model/zone-queue.js';
import { followsCurrentBuild } from './engine/builds.js';

type Scan = Activities['zoneScan'];

/**
 * One look at a zone: power states by host, states of clusters, API servers that are due, gateways. One activity: a zone is looked at some
 * thousand times a day, and each further one costs Temporal as much as the whole.
 */
export async function scanZone(zoneId: string, queue?: ZoneQueue): Promise<void> {
  if (!patched('zone-of-one-activity')) return inParts(zoneId, queue);
  const zone = proxyActivities<Scan>({
    ...onQueue(queue),
    startToCloseTimeout: '8m',
    heartbeatTimeout: '20s',
    retry: { maximumAttempts: 2 },
  });
  await zone.lookAtZone(zoneId, workflowInfo().startTime.getTime());
}
followsCurrentBuild(scanZone);

const WIDTH = 20;
const HOSTS = 100;

/** As runs of earlier releases began. */
async function inParts(zoneId: string, queue: ZoneQueue | undefined): Promise<void> {
  const zone = proxyActivities<Scan>({ ...onQueue(queue), startToCloseTimeout: '4m', retry: { maximumAttempts: 2 } });
  const ids = await zone.hostsOfZone(zoneId);
  if (patched('hosts-of-one-activity')) {
    const parts = Array.from({ length: Math.ceil(ids.length / HOSTS) }, (_, i) =>
      ids.slice(i * HOSTS, (i + 1) * HOSTS),
    );
    await Promise.all(parts.map((part) => zone.lookAtHosts(part).catch(() => 0)));
  } else await eachAlone(ids, queue);
  await zone.settleClusters(zoneId);
  await zone.probeClusters(zoneId);
  await zone.repairGateways(zoneId);
  if (patched('end-of-scan')) await zone.endScan(zoneId, workflowInfo().startTime.getTime());
}

async function eachAlone(ids: readonly string[], queue: ZoneQueue | undefined): Promise<void> {
  const hosts = proxyActivities<Scan>({ ...onQueue(queue), startToCloseTimeout: '20s', retry: { maximumAttempts: 1 } });
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < ids.length; i = next++) await hosts.lookAtHost(ids[i]!).catch(() => 0);
  };
  await Promise.all(Array.from({ length: Math.min(WIDTH, ids.length) }, lane));
}
