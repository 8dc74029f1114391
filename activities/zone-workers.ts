import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { readSettings, writeSetting } from '../db/configuration.js';
import { textOf } from '../workflows/model/fault.js';
import { zoneQueueName } from '../workflows/model/zone-queue.js';

const LOOK_MS = 2000;

/**
 * Has `serve` called once for the queue of each zone that this worker serves, also of zones that are made later: those that `named`
 * (`CKS_ZONES`) has by name or id, or else all, once zones have queues of their own. Returns how to stop.
 */
export function keepZoneQueues(
  db: Knex,
  named: readonly string[] | undefined,
  serve: (queue: string) => Promise<void>,
  log: Logger,
): () => void {
  const served = new Set<string>();
  const missed = new Set<string>();
  let stopped = false;

  const look = async (): Promise<void> => {
    const settings = await readSettings(db);
    if (named && !settings['cks.zone.queues']) {
      // From now on other workers take nothing of a zone that they do not serve.
      await writeSetting(db, 'cks.zone.queues', 'true');
      log.info('zones have queues of their own from now on: cks.zone.queues is true');
    }
    if (!named && !settings['cks.zone.queues']) return;
    const zones = await db('data_center').whereNull('removed').select<{ uuid: string; name: string }[]>('uuid', 'name');
    const isOf =
      ({ uuid, name }: { uuid: string; name: string }) =>
      (word: string) =>
        word === uuid || word === name;
    for (const word of named ?? [])
      if (!zones.some((zone) => isOf(zone)(word)) && !missed.has(word)) {
        missed.add(word);
        log.warn({ zone: word }, 'CKS_ZONES names a zone that is not there (yet)');
      }
    for (const zone of zones.filter((each) => named?.some(isOf(each)) ?? true)) {
      if (stopped || served.has(zone.uuid)) continue;
      await serve(zoneQueueName(zone.uuid));
      served.add(zone.uuid);
      log.info({ zone: zone.name }, 'serves a zone');
    }
  };

  const repeat = async (): Promise<void> => {
    while (!stopped) {
      await look().catch((error: unknown) =>
        log.warn({ error: textOf(error) }, 'cannot look for zones to serve; will go on trying'),
      );
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS).unref());
    }
  };
  void repeat();
  return () => (stopped = true);
}
