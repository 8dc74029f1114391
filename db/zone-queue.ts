import { queueOfZone, type ZoneQueue } from '../workflows/model/zone-queue.js';
import { readSettings } from './configuration.js';
import type { Db } from './knex.js';

/** `queueOfZone` by the settings that are in force now. */
export const readZoneQueue = async (db: Db, zoneId: string): Promise<ZoneQueue | undefined> =>
  queueOfZone(await readSettings(db), zoneId);
