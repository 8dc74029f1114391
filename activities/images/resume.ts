import { addNewZones, imagesWithWork } from '../../db/images.js';
import { startImageRun } from '../../workflows/client.js';
import { textOf } from '../../workflows/model/fault.js';
import type { Deps } from '../deps.js';

/**
 * Starts a run for every image that is not where it should be and has none: a registration that Temporal did not take, a run that
 * was lost, a host or zone that came later, a failure that may have passed. For the scan.
 */
export async function resumeFetches({ db, temporal, log }: Pick<Deps, 'db' | 'temporal' | 'log'>): Promise<void> {
  await addNewZones(db);
  for (const imageId of await imagesWithWork(db)) {
    try {
      if (await startImageRun(temporal, imageId)) log.info({ image: imageId }, 'started a run for an image');
    } catch (error) {
      log.warn({ image: imageId, error: textOf(error) }, 'Temporal did not take the run of an image');
    }
  }
}
