import { beginCopy, copyReady } from '../../db/images.js';
import type { HostRow, TemplateRow } from '../../db/rows.js';
import type { Deps } from '../deps.js';
import type { ImageSpec } from '../hypervisor/driver.js';

/** An image's row as drivers and the store know it. */
export const imageSpec = ({ kind, uuid, url, checksum, format }: TemplateRow): ImageSpec => ({
  kind,
  id: uuid,
  url,
  checksum,
  format,
});

/** Leaves the image in the host's pool. A copy that is made now is recorded before, so that it goes when the image is deleted. */
export async function ensureImageOn(
  { db, openHypervisor, fetchImage }: Pick<Deps, 'db' | 'openHypervisor' | 'fetchImage'>,
  host: HostRow,
  image: TemplateRow,
): Promise<void> {
  const spec = imageSpec(image);
  let poolId: string | undefined;
  await openHypervisor(host).ensureImage(spec, async (rules) => {
    poolId = await beginCopy(db, image.uuid, host);
    return fetchImage(spec, rules);
  });
  if (poolId !== undefined) await copyReady(db, image.uuid, poolId);
}
