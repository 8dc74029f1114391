import type { Db } from './knex.js';
import { containsText, readPage, sameText, whereGiven, type Listed, type Page } from './matching.js';
import type { HostRow, ZoneRow } from './rows.js';

export interface ZoneFilter {
  id?: string;
  ids?: readonly string[];
  name?: string;
  keyword?: string;
  networktype?: string;
  enabledOnly: boolean;
}

export async function listZones(db: Db, filter: ZoneFilter, page: Page): Promise<Listed<ZoneRow>> {
  const query = whereGiven(db('data_center as z').whereNull('z.removed'), {
    'z.uuid': filter.id,
    'z.networktype': filter.networktype,
  });
  if (filter.ids?.length) void query.whereIn('z.uuid', [...filter.ids]);
  if (filter.enabledOnly) void query.where('z.allocation_state', 'Enabled');
  if (filter.name !== undefined) sameText(db, query, 'z.name', filter.name);
  if (filter.keyword) containsText(query, 'z.name', filter.keyword);
  return readPage(query, ['z.*'], 'z.id', page);
}

/** The hypervisors that a zone, or any zone, has. */
export async function listHypervisors(db: Db, zoneId?: string): Promise<string[]> {
  const query = whereGiven(
    db('data_center').whereNull('removed'),
    zoneId === undefined || zoneId === '-1' ? {} : { uuid: zoneId },
  );
  const rows = (await query.distinct('hypervisor').orderBy('hypervisor')) as { hypervisor: string }[];
  return rows.map(({ hypervisor }) => hypervisor);
}

export interface HostListRow extends HostRow {
  zone_name: string;
}
export interface HostFilter {
  id?: string;
  name?: string;
  keyword?: string;
  zoneid?: string;
  state?: string;
  resourcestate?: string;
  hypervisor?: string;
  machineId?: string;
}

export async function listHosts(db: Db, filter: HostFilter, page: Page): Promise<Listed<HostListRow>> {
  const query = db('host as h').join('data_center as z', 'z.uuid', 'h.data_center_id').whereNull('h.removed');
  whereGiven(query, {
    'h.uuid': filter.id,
    'h.data_center_id': filter.zoneid,
    'h.status': filter.state,
    'h.resource_state': filter.resourcestate,
    'h.hypervisor_type': filter.hypervisor,
  });
  if (filter.name !== undefined) sameText(db, query, 'h.name', filter.name);
  if (filter.keyword) containsText(query, 'h.name', filter.keyword);
  if (filter.machineId !== undefined)
    void query.whereIn('h.uuid', db('vm_instance').where({ uuid: filter.machineId }).select('host_id'));
  return readPage(query, ['h.*', 'z.name as zone_name'], 'h.id', page);
}
