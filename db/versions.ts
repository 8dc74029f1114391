import { randomUUID } from 'node:crypto';
import { now, type Db } from './knex.js';
import { containsText, readPage, whereGiven, type Listed, type Page, type Query } from './matching.js';
import type { ImageZoneRow, VersionRow } from './rows.js';

export interface VersionListRow extends VersionRow {
  zone_name: string | null;
  iso_name: string | null;
  iso_state: string | null;
  iso_arch: string | null;
  iso_url: string | null;
  iso_direct: number | null;
  iso_removed: string | null;
  /** Where the ISO stands in the zones that the version is for, or in the one that was asked for. */
  iso_zones: ImageZoneRow[];
}
export interface VersionFilter {
  id?: string;
  zoneid?: string;
  arch?: string;
  keyword?: string;
}

export async function listVersions(db: Db, filter: VersionFilter, page: Page): Promise<Listed<VersionListRow>> {
  const query = db('kubernetes_supported_version as k')
    .leftJoin('data_center as z', 'z.uuid', 'k.zone_id')
    .leftJoin('vm_template as t', 't.uuid', 'k.iso_id')
    .whereNull('k.removed');
  whereGiven(query, { 'k.uuid': filter.id, 't.arch': filter.arch });
  const zone = filter.zoneid === '-1' ? undefined : filter.zoneid;
  if (zone !== undefined)
    void query.where((either: Query) => void either.whereNull('k.zone_id').orWhere('k.zone_id', zone));
  if (filter.keyword) containsText(query, 'k.name', filter.keyword);
  const iso = [
    't.name as iso_name',
    't.state as iso_state',
    't.arch as iso_arch',
    't.url as iso_url',
    't.direct_download as iso_direct',
    't.removed as iso_removed',
  ];
  const found = await readPage<Omit<VersionListRow, 'iso_zones'>>(
    query,
    ['k.*', 'z.name as zone_name', ...iso],
    'k.id',
    page,
  );
  const isos = found.rows.map(({ iso_id }) => iso_id);
  const refs = await db('template_zone_ref as r')
    .join('data_center as z', 'z.uuid', 'r.zone_id')
    .whereNull('z.removed')
    .whereIn('r.template_id', isos)
    .orderBy('r.id')
    .select<ImageZoneRow[]>('r.*');
  const rows = found.rows.map((row) => ({
    ...row,
    iso_zones: refs.filter(
      ({ template_id, zone_id }) => template_id === row.iso_id && (row.zone_id ?? zone ?? zone_id) === zone_id,
    ),
  }));
  return { count: found.count, rows };
}

export const readVersion = (db: Db, uuid: string): Promise<VersionRow | undefined> =>
  Promise.resolve(db<VersionRow>('kubernetes_supported_version').where({ uuid }).first());

export async function addVersion(
  trx: Db,
  version: Pick<VersionRow, 'name' | 'semantic_version' | 'iso_id' | 'zone_id' | 'min_cpu' | 'min_ram_size'>,
): Promise<string> {
  const uuid = randomUUID();
  await trx('kubernetes_supported_version').insert({ ...version, uuid, state: 'Enabled', created: now(trx) });
  return uuid;
}

export const setVersionState = (db: Db, uuid: string, state: VersionRow['state']): Promise<unknown> =>
  Promise.resolve(db('kubernetes_supported_version').where({ uuid }).update({ state }));

/** Names of the clusters that run the version, or are being brought to it. */
export const clustersOfVersion = async (db: Db, uuid: string): Promise<string[]> =>
  (
    await db('kubernetes_cluster')
      .where((either) => either.where({ kubernetes_version_id: uuid }).orWhere({ target_version_id: uuid }))
      .whereNull('removed')
      .orderBy('id')
      .select<{ name: string }[]>('name')
  ).map(({ name }) => name);

export const removeVersion = (trx: Db, uuid: string): Promise<unknown> =>
  Promise.resolve(
    trx('kubernetes_supported_version')
      .where({ uuid })
      .update({ removed: now(trx) }),
  );
