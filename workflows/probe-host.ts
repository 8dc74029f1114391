import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { PROBE_SECONDS, type ProbeAnswer, type ProbeRequest } from './model/probe.js';
import { onQueue, type ZoneQueue } from './model/zone-queue.js';

// Somebody waits for the answer: one attempt, whose failure he reads.
const hosts = (queue: ZoneQueue | undefined) =>
  proxyActivities<Activities['hosts']>({
    ...onQueue(queue),
    scheduleToCloseTimeout: `${PROBE_SECONDS - 5}s`,
    retry: { maximumAttempts: 1 },
  });

/** One look at a host, for a caller who waits: the API server itself reaches no hosts. */
export async function probeHost(asked: ProbeRequest): Promise<ProbeAnswer> {
  return 'hostId' in asked
    ? { facts: await hosts(asked.queue).readHostFacts(asked.hostId) }
    : hosts(undefined).readHostKey(asked);
}
