import type { Settings } from './settings.js';

/**
 * Where the activities of a zone go while workers serve named zones (`CKS_ZONES`): all that touches its hosts, gateway, nodes and
 * clusters. What a run starts with says so, and it stays with it.
 */
export interface ZoneQueue {
  name: string;
  /** Longest time that one waits for a worker. */
  seconds: number;
}

export const zoneQueueName = (zoneId: string): string => `cks-zone-${zoneId}`;

/** The queue of a zone's activities; none while every worker serves every zone. */
export const queueOfZone = (settings: Settings, zoneId: string): ZoneQueue | undefined =>
  settings['cks.zone.queues']
    ? { name: zoneQueueName(zoneId), seconds: settings['cks.zone.worker.timeout'] }
    : undefined;

/** Options of an activity that go with the zone's queue; none while every worker serves every zone. */
export const onQueue = (queue: ZoneQueue | undefined) =>
  queue ? { taskQueue: queue.name, scheduleToStartTimeout: `${queue.seconds}s` as const } : {};
