import { zoneQueueName, type ZoneQueue } from '../workflows/model/zone-queue.js';
import { readSettings } from './configuration.js';
import type { Db } from './knex.js';

/** The queue of a zone's activities; none while every worker serves every zone. */
export async function readZoneQueue(db: Db, zoneId: string): Promise<ZoneQueue | undefined> {
  const settings = await readSettings(db);
  if (!settings['cks.zone.queues']) return undefined;
  return { name: zoneQueueName(zoneId), seconds: settings['cks.zone.worker.timeout'] };
}
