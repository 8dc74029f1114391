import { beginImageWork, copyFailed, copyReady, endCopy, readImage, settleImage } from '../../db/images.js';
import { readSettings } from '../../db/configuration.js';
import type { HostRow } from '../../db/rows.js';
import { fault } from '../../workflows/model/fault.js';
import type { ImageCopy, ImageWork } from '../../workflows/model/image.js';
import type { Settings } from '../../workflows/model/settings.js';
import { queueOfZone } from '../../workflows/model/zone-queue.js';
import { beating } from '../beating.js';
import type { Deps } from '../deps.js';
import { imageName } from '../hypervisor/driver.js';
import { imageSpec } from './place.js';

/** Copies of templates and media in the pools of hosts. */
export const imageActivities = ({ db, openHypervisor, fetchImage, images }: Deps) => {
  const open = async (imageId: string, hostId: string) => {
    const image = await readImage(db, imageId);
    const host = await db<HostRow>('host').where({ uuid: hostId }).first();
    if (!image || !host) throw fault('Internal', `image ${imageId} or host ${hostId} has no row`);
    return { image, host: openHypervisor(host) };
  };

  /** Each copy with the queue of its host's zone. */
  const withQueues = async (copies: ImageCopy[], settings: Settings): Promise<ImageCopy[]> => {
    const ids = copies.map(({ hostId }) => hostId);
    const hosts = await db<HostRow>('host').whereIn('uuid', ids).select('uuid', 'data_center_id');
    return copies.map((copy) => {
      const host = hosts.find(({ uuid }) => uuid === copy.hostId);
      const queue = host && queueOfZone(settings, host.data_center_id);
      return queue ? { ...copy, queue } : copy;
    });
  };

  return {
    async beginImageRun(imageId: string): Promise<ImageWork> {
      const settings = await readSettings(db);
      const limitSeconds = settings['cks.download.timeout'] + settings['cks.machine.volume.timeout'];
      const { kind, copies } = await beginImageWork(db, imageId);
      return { kind, copies: await withQueues(copies, settings), limitSeconds };
    },

    /** Leaves the image in the pool; fetched only where the host's driver asks for the file. */
    ensureImageInPool: (imageId: string, { poolId, hostId }: ImageCopy): Promise<void> =>
      beating(async () => {
        const { image, host } = await open(imageId, hostId);
        if (image.removed !== null) return;
        const spec = imageSpec(image);
        await host.ensureImage(spec, (rules) => fetchImage(spec, rules));
        await copyReady(db, imageId, poolId);
        // One copy is enough for the zone; the others may take longer. What is Ready has its size.
        await settleImage(db, imageId, await images.size(spec));
      }),

    /** Leaves neither the pool nor this machine with the image. */
    ensureImageGone: (imageId: string, { poolId, hostId }: ImageCopy): Promise<void> =>
      beating(async () => {
        const { image, host } = await open(imageId, hostId);
        await host.ensureImageAbsent(imageName({ kind: image.kind, id: image.uuid }));
        await endCopy(db, imageId, poolId);
      }),

    async noteImageFailure(imageId: string, { poolId }: ImageCopy, error: string, forGood: boolean): Promise<void> {
      await copyFailed(db, imageId, poolId, error, forGood);
    },

    /** Brings the zones' rows to what the pools hold. */
    async settleImageRun(imageId: string, kind: ImageWork['kind']): Promise<void> {
      const image = await readImage(db, imageId);
      if (image && kind === 'remove') await images.forget({ kind: image.kind, id: image.uuid });
      else await settleImage(db, imageId, image && (await images.size(imageSpec(image))));
    },
  };
};
export type ImageActivities = ReturnType<typeof imageActivities>;
