import type { Knex } from 'knex';
import type { CopyState, ImageCopy, ImageState, ImageWork } from '../workflows/model/image.js';
import { now, nowPlus, transact, type Db } from './knex.js';
import type { HostRow, ImageZoneRow, PoolImageRow, StoragePoolRow, TemplateRow, VersionRow } from './rows.js';

/** Seconds after which a copy that failed for a passing reason, or whose run was lost, is tried again. */
const RETRY_SECONDS = 60;

export const readImage = (db: Db, uuid: string): Promise<TemplateRow | undefined> =>
  Promise.resolve(db<TemplateRow>('vm_template').where({ uuid }).first());

/** The Kubernetes version whose medium the ISO is. */
export async function versionOfIso(db: Db, isoId: string): Promise<string | undefined> {
  const row = await db<VersionRow>('kubernetes_supported_version').where({ iso_id: isoId }).first('semantic_version');
  return row?.semantic_version;
}

/** The image's rows in all zones that it is for; those of zones that came later are added. */
export async function keepZones(db: Db, image: TemplateRow): Promise<ImageZoneRow[]> {
  const zones =
    image.data_center_id === null
      ? (await db('data_center').whereNull('removed').select<{ uuid: string }[]>('uuid')).map(({ uuid }) => uuid)
      : [image.data_center_id];
  const state: ImageState = image.state === 'NotUploaded' ? 'NotUploaded' : 'NotDownloaded';
  const known = await db<ImageZoneRow>('template_zone_ref').where({ template_id: image.uuid });
  const missing = zones.filter((zone) => known.every(({ zone_id }) => zone_id !== zone));
  if (missing.length > 0)
    await db('template_zone_ref')
      .insert(
        missing.map((zone_id) => ({ template_id: image.uuid, zone_id, state, created: now(db), updated: now(db) })),
      )
      .onConflict(['template_id', 'zone_id'])
      .ignore();
  return db<ImageZoneRow>('template_zone_ref').where({ template_id: image.uuid }).orderBy('id');
}

const sameWord = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

const sharedPools = (db: Db, zones: readonly string[]): Promise<StoragePoolRow[]> =>
  Promise.resolve(
    db<StoragePoolRow>('storage_pool').whereIn('data_center_id', zones).whereNull('host_id').whereNull('removed'),
  );

/** A host has a pool of its own unless the zone has a shared one of that name. */
const poolOf = (host: HostRow, shared: readonly StoragePoolRow[]): string =>
  shared.find(({ name, data_center_id }) => name === host.pool && data_center_id === host.data_center_id)?.uuid ??
  host.uuid;

/** Pools that an image belongs into: of hosts that are up and can use it. A pool that hosts share is there once. */
async function poolsFor(
  db: Db,
  image: TemplateRow,
  zones: readonly string[],
): Promise<(ImageCopy & { zone: string })[]> {
  if (zones.length === 0) return [];
  const hosts = await db<HostRow>('host')
    .whereIn('data_center_id', zones)
    .where({ status: 'Up', resource_state: 'Enabled', arch: image.arch })
    .whereNull('removed')
    .orderBy('id');
  const shared = await sharedPools(db, zones);
  const pools = new Map<string, ImageCopy & { zone: string }>();
  for (const host of hosts) {
    if (image.hypervisor !== null && !sameWord(image.hypervisor, host.hypervisor_type)) continue;
    const poolId = poolOf(host, shared);
    if (!pools.has(poolId))
      pools.set(poolId, { poolId, hostId: host.uuid, hostName: host.name, zone: host.data_center_id });
  }
  return [...pools.values()];
}

/** What a run has to do for an image now; its rows say that it is being done. */
export async function beginImageWork(db: Knex, imageId: string): Promise<Omit<ImageWork, 'limitSeconds'>> {
  return transact(db, async (trx) => {
    const image = await readImage(trx, imageId);
    if (!image) return { kind: 'fetch', copies: [] };
    const rows = await trx<PoolImageRow>('pool_image').where({ image_id: imageId });
    if (image.removed !== null) {
      await trx('pool_image')
        .where({ image_id: imageId })
        .update({ state: 'Removing' satisfies CopyState, updated: now(trx) });
      const hosts = await trx<HostRow>('host').whereIn('uuid', rows.map(({ host_id }) => host_id)).whereNull('removed'); // prettier-ignore
      const copies = rows.map(({ pool_id, host_id }) => ({
        poolId: pool_id,
        hostId: host_id,
        hostName: hosts.find(({ uuid }) => uuid === host_id)?.name ?? '',
      }));
      // A host that was removed took its pool with it.
      for (const { poolId } of copies.filter(({ hostName }) => hostName === '')) await endCopy(trx, imageId, poolId);
      return { kind: 'remove', copies: copies.filter(({ hostName }) => hostName !== '') };
    }
    if (image.state === 'NotUploaded') return { kind: 'fetch', copies: [] };
    const zones = (await keepZones(trx, image)).filter(({ state }) => state !== 'Failed').map(({ zone_id }) => zone_id);
    const all = await poolsFor(trx, image, zones);
    const done = (poolId: string) => rows.some(({ pool_id, state }) => pool_id === poolId && (state === 'Ready' || state === 'Failed')); // prettier-ignore
    const copies = all.filter(({ poolId }) => !done(poolId));
    for (const copy of copies) await putCopy(trx, imageId, copy);
    const withPools = new Set(all.map(({ zone }) => zone));
    const beginning = copies.map(({ zone }) => zone);
    const ref = (zone: string[]) => trx('template_zone_ref').where({ template_id: imageId }).whereIn('zone_id', zone);
    await ref(beginning)
      .whereNot({ state: 'Ready' })
      .update({ state: 'Downloading', error: null, updated: now(trx) });
    const why = `no host of the zone that is up has ${image.hypervisor ?? 'any hypervisor'} and architecture ${image.arch}`;
    const without = zones.filter((zone) => !withPools.has(zone));
    await ref(without)
      .whereNot({ state: 'Ready' })
      .update({ state: 'NotDownloaded', error: why, updated: now(trx) });
    return { kind: 'fetch', copies: copies.map(({ poolId, hostId, hostName }) => ({ poolId, hostId, hostName })) };
  });
}

/** How far the fetch of an image is, in all zones that wait for it. */
export async function noteProgress(db: Db, imageId: string, bytes: number, total: number | null): Promise<void> {
  const percent = total === null || total === 0 ? 0 : Math.min(99, Math.floor((100 * bytes) / total));
  await db('template_zone_ref').where({ template_id: imageId, state: 'Downloading' }).update({ bytes, total, updated: now(db) }); // prettier-ignore
  await db('pool_image')
    .where({ image_id: imageId, state: 'Downloading' })
    .update({ percent, updated: now(db) });
}

/** A copy is being made because a machine on the host needs it. Returns its pool. */
export async function beginCopy(db: Db, imageId: string, host: HostRow): Promise<string> {
  const poolId = poolOf(host, await sharedPools(db, [host.data_center_id]));
  await putCopy(db, imageId, { poolId, hostId: host.uuid });
  return poolId;
}

const putCopy = (db: Db, imageId: string, { poolId, hostId }: Pick<ImageCopy, 'poolId' | 'hostId'>): Promise<unknown> =>
  Promise.resolve(
    db('pool_image')
      .insert({ pool_id: poolId, host_id: hostId, image_id: imageId, state: 'Downloading', percent: 0, error: null, created: now(db), updated: now(db) })
      .onConflict(['image_id', 'pool_id'])
      .merge({ host_id: hostId, state: 'Downloading', updated: now(db) }),
  ); // prettier-ignore

/** The copy stands. */
export async function copyReady(db: Db, imageId: string, poolId: string): Promise<void> {
  await db('pool_image')
    .where({ image_id: imageId, pool_id: poolId })
    .whereNot({ state: 'Removing' })
    .update({ state: 'Ready', percent: 100, error: null, updated: now(db) });
}

/** The copy could not be made: for good, or until the scan tries again. */
export async function copyFailed(
  db: Db,
  imageId: string,
  poolId: string,
  error: string,
  forGood: boolean,
): Promise<void> {
  await db('pool_image')
    .where({ image_id: imageId, pool_id: poolId })
    .whereNot({ state: 'Removing' })
    .update({ state: forGood ? 'Failed' : 'NotDownloaded', error: error.slice(0, 2000), updated: now(db) });
}

export const endCopy = (db: Db, imageId: string, poolId: string): Promise<unknown> =>
  Promise.resolve(db('pool_image').where({ image_id: imageId, pool_id: poolId }).delete());

/**
 * Brings the zones' states, and the image's own, to what its copies say: Ready where one pool of the zone has it, Failed where no
 * pool has and can get it.
 */
export async function settleImage(db: Knex, imageId: string, fetchedBytes?: number): Promise<void> {
  await transact(db, async (trx) => {
    const copies = await trx('pool_image as p')
      .join('host as h', 'h.uuid', 'p.host_id')
      .where('p.image_id', imageId)
      .select<(Pick<PoolImageRow, 'state' | 'error'> & { zone: string })[]>(
        'p.state',
        'p.error',
        'h.data_center_id as zone',
      );
    for (const zone of new Set(copies.map((copy) => copy.zone))) {
      const here = copies.filter((copy) => copy.zone === zone);
      const state: ImageState = here.some((copy) => copy.state === 'Ready')
        ? 'Ready'
        : here.every((copy) => copy.state === 'Failed') ? 'Failed' : 'Downloading'; // prettier-ignore
      const error = state === 'Ready' ? null : (here.find((copy) => copy.error !== null)?.error ?? null);
      await trx('template_zone_ref').where({ template_id: imageId, zone_id: zone }).update({ state, error, updated: now(trx) }); // prettier-ignore
    }
    const states = (await trx<ImageZoneRow>('template_zone_ref').where({ template_id: imageId })).map(
      ({ state }) => state,
    );
    const state =
      (['Ready', 'Downloading', 'NotDownloaded'] as const).find((each) => states.includes(each)) ?? 'Failed';
    await trx('vm_template')
      .where({ uuid: imageId })
      .whereNull('removed')
      .whereNot({ state: 'NotUploaded' })
      .update({ state, ...(fetchedBytes !== undefined && { size_bytes: fetchedBytes }) });
  });
}

/**
 * Images whose run is to be started if there is none: not in every zone yet, or removed and still in a pool. `RETRY_SECONDS` pass
 * between two tries.
 */
export async function imagesWithWork(db: Knex): Promise<string[]> {
  const isDue = nowPlus(db, -RETRY_SECONDS);
  const waiting = await db<ImageZoneRow>('template_zone_ref as r')
    .join('vm_template as t', 't.uuid', 'r.template_id')
    .whereNull('t.removed')
    .whereIn('r.state', ['NotDownloaded', 'Downloading'])
    .where((either) => either.whereRaw('r.updated = r.created').orWhere('r.updated', '<', isDue))
    .distinct<{ template_id: string }[]>('r.template_id');
  const leaving = await db('pool_image as p')
    .join('vm_template as t', 't.uuid', 'p.image_id')
    .whereNotNull('t.removed')
    .where((either) => either.whereNot('p.state', 'Removing').orWhere('p.updated', '<', isDue))
    .distinct<{ template_id: string }[]>('p.image_id as template_id');
  return [...new Set([...waiting, ...leaving].map(({ template_id }) => template_id))];
}

/** Adds the rows of zones that came after an image for all zones. */
export async function addNewZones(db: Db): Promise<void> {
  const lacking = await db('vm_template as t')
    .crossJoin(db.raw('data_center as z') as never)
    .leftJoin('template_zone_ref as r', function () {
      this.on('r.template_id', 't.uuid').andOn('r.zone_id', 'z.uuid');
    })
    .whereNull('t.data_center_id')
    .whereNull('t.removed')
    .whereNull('z.removed')
    .whereNull('r.id')
    .distinct<TemplateRow[]>('t.*');
  for (const image of lacking) await keepZones(db, image);
}

/** True when machines of the zone can be made with the image. */
export async function isImageReady(db: Db, image: TemplateRow, zoneId: string): Promise<boolean> {
  const row = await db<ImageZoneRow>('template_zone_ref').where({ template_id: image.uuid, zone_id: zoneId }).first();
  return row ? row.state === 'Ready' : image.state === 'Ready' && image.data_center_id === zoneId;
}

/** For `whereNotExists` on `vm_template`: images for all zones that have not come to this one. */
export const notReadyIn = (db: Db, zoneId: string): Knex.QueryBuilder =>
  db('template_zone_ref')
    .whereRaw('template_id = vm_template.uuid')
    .where({ zone_id: zoneId })
    .whereNot({ state: 'Ready' });

/** The upload is there: it is checked and spread like a fetched file. */
export async function uploadArrived(db: Knex, imageId: string, bytes: number): Promise<void> {
  await transact(db, async (trx) => {
    const changed = await trx('vm_template')
      .where({ uuid: imageId, state: 'NotUploaded' })
      .whereNull('removed')
      .update({ state: 'NotDownloaded', size_bytes: bytes });
    if (changed === 0) return;
    await trx('template_zone_ref')
      .where({ template_id: imageId })
      .update({ state: 'NotDownloaded', created: now(trx), updated: now(trx) });
  });
}
