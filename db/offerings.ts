import type { Db } from './knex.js';
import { containsText, holdsWord, readPage, sameText, whereGiven, type Listed, type Page } from './matching.js';
import type { NetworkOfferingRow, ServiceOfferingRow } from './rows.js';

export interface ServiceOfferingFilter {
  id?: string;
  name?: string;
  keyword?: string;
  state?: string;
  cpunumber?: number;
  memory?: number;
  machineId?: string;
}

/** Offerings in use; an Inactive one shows only when that state is asked for. */
export async function listServiceOfferings(
  db: Db,
  filter: ServiceOfferingFilter,
  page: Page,
): Promise<Listed<ServiceOfferingRow>> {
  const query = whereGiven(db('service_offering as o').whereNull('o.removed'), { 'o.uuid': filter.id });
  if (filter.state === undefined && filter.id === undefined) void query.where('o.state', 'Active');
  if (filter.state !== undefined && filter.state.toLowerCase() !== 'all') sameText(db, query, 'o.state', filter.state);
  if (filter.name !== undefined) sameText(db, query, 'o.name', filter.name);
  if (filter.keyword) containsText(query, 'o.name', filter.keyword);
  if (filter.cpunumber !== undefined) void query.where('o.cpu', '>=', filter.cpunumber);
  if (filter.memory !== undefined) void query.where('o.ram_size', '>=', filter.memory);
  if (filter.machineId !== undefined) {
    // Offerings that the machine could change to: all but its own.
    void query.whereNotIn('o.uuid', db('vm_instance').where({ uuid: filter.machineId }).select('service_offering_id'));
  }
  return readPage(query, ['o.*'], 'o.id', page);
}

export interface NetworkOfferingFilter {
  id?: string;
  name?: string;
  keyword?: string;
  state?: string;
  guesttype?: string;
  networkId?: string;
  services?: readonly string[];
  forvpc?: boolean;
  specifyvlan?: boolean;
  isdefault?: boolean;
}

export async function listNetworkOfferings(
  db: Db,
  filter: NetworkOfferingFilter,
  page: Page,
): Promise<Listed<NetworkOfferingRow>> {
  const query = whereGiven(db('network_offerings as o').whereNull('o.removed'), { 'o.uuid': filter.id });
  if (filter.state !== undefined) sameText(db, query, 'o.state', filter.state);
  if (filter.forvpc !== undefined) void query.where('o.for_vpc', Number(filter.forvpc));
  if (filter.specifyvlan !== undefined) void query.where('o.specify_vlan', Number(filter.specifyvlan));
  if (filter.isdefault !== undefined) void query.where('o.name', filter.isdefault ? 'like' : 'not like', 'Default%');
  if (filter.guesttype !== undefined) sameText(db, query, 'o.guest_type', filter.guesttype);
  if (filter.name !== undefined) sameText(db, query, 'o.name', filter.name);
  if (filter.keyword) containsText(query, 'o.name', filter.keyword);
  if (filter.networkId !== undefined)
    void query.whereIn('o.uuid', db('networks').where({ uuid: filter.networkId }).select('network_offering_id'));
  for (const service of filter.services ?? []) holdsWord(query, 'o.services', service);
  return readPage(query, ['o.*'], 'o.id', page);
}
