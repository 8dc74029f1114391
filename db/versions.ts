import type { Db } from './knex.js';
import { containsText, readPage, whereGiven, type Listed, type Page, type Query } from './matching.js';
import type { VersionRow } from './rows.js';

export interface VersionListRow extends VersionRow {
  zone_name: string | null;
  iso_name: string | null;
  iso_state: string | null;
  iso_arch: string | null;
  iso_url: string | null;
  iso_direct: number | null;
  iso_removed: string | null;
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
  if (filter.zoneid !== undefined && filter.zoneid !== '-1') {
    void query.where((either: Query) => void either.whereNull('k.zone_id').orWhere('k.zone_id', filter.zoneid));
  }
  if (filter.keyword) containsText(query, 'k.name', filter.keyword);
  const iso = [
    't.name as iso_name',
    't.state as iso_state',
    't.arch as iso_arch',
    't.url as iso_url',
    't.direct_download as iso_direct',
    't.removed as iso_removed',
  ];
  return readPage(query, ['k.*', 'z.name as zone_name', ...iso], 'k.id', page);
}

export const readVersion = (db: Db, uuid: string): Promise<VersionRow | undefined> =>
  Promise.resolve(db<VersionRow>('kubernetes_supported_version').where({ uuid }).first());
