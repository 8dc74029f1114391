import { patched, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { onQueue, type ZoneQueue } from './model/zone-queue.js';
import { followsCurrentBuild } from './engine/builds.js';

type Scan = Activities['zoneScan'];
const hostsOf = (queue: ZoneQueue | undefined) =>
  proxyActivities<Scan>({ ...onQueue(queue), startToCloseTimeout: '20s', retry: { maximumAttempts: 1 } });
const zoneOf = (queue: ZoneQueue | undefined) =>
  proxyActivities<Scan>({ ...onQueue(queue), startToCloseTimeout: '4m', retry: { maximumAttempts: 2 } });
const WIDTH = 20;
/** Hosts of one activity: a short history, since a zone is looked at some thousand times a day. */
const HOSTS = 100;

/** One look at a zone: power states by host, states of clusters, API servers that are due, gateways. */
export async function scanZone(zoneId: string, queue?: ZoneQueue): Promise<void> {
  const zone = zoneOf(queue);
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
followsCurrentBuild(scanZone);

/** As runs of an earlier release began. */
async function eachAlone(ids: readonly string[], queue: ZoneQueue | undefined): Promise<void> {
  const hosts = hostsOf(queue);
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < ids.length; i = next++) await hosts.lookAtHost(ids[i]!).catch(() => 0);
  };
  await Promise.all(Array.from({ length: Math.min(WIDTH, ids.length) }, lane));
}
