import { ActivityFailure, ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { ImageCopy, ImageRunInput } from './model/image.js';
import { onQueue, type ZoneQueue } from './model/zone-queue.js';

/** Pools that one image is copied to at the same time. */
const WIDTH = 4;

const rows = proxyActivities<Activities['images']>({
  startToCloseTimeout: '60s',
  retry: { initialInterval: '500ms', maximumInterval: '30s' },
});

/** Brings an image to every pool that lacks it, or, once it is deleted, away from all of them. */
export async function fetchImage({ imageId }: ImageRunInput): Promise<void> {
  const { kind, copies, limitSeconds } = await rows.beginImageRun(imageId);
  const pools = (queue: ZoneQueue | undefined) =>
    proxyActivities<Activities['images']>({
      ...onQueue(queue),
      scheduleToCloseTimeout: `${limitSeconds}s`,
      startToCloseTimeout: `${limitSeconds}s`,
      heartbeatTimeout: '6s',
      retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s', maximumAttempts: 20 },
    });
  const work = async (copy: ImageCopy): Promise<void> => {
    try {
      const pool = pools(copy.queue);
      await (kind === 'fetch' ? pool.ensureImageInPool(imageId, copy) : pool.ensureImageGone(imageId, copy));
    } catch (error) {
      const cause = error instanceof ActivityFailure ? error.cause : error;
      if (!(cause instanceof Error)) throw error;
      const forGood = cause instanceof ApplicationFailure && cause.nonRetryable === true;
      if (kind === 'fetch') await rows.noteImageFailure(imageId, copy, `${copy.hostName}: ${cause.message}`, forGood);
    }
  };
  const waiting = [...copies];
  const lane = async () => {
    for (let copy = waiting.shift(); copy; copy = waiting.shift()) await work(copy);
  };
  await Promise.all(Array.from({ length: WIDTH }, lane));
  await rows.settleImageRun(imageId, kind);
}
