import type { Db } from './knex.js';
import { containsText, readPage, sameText, whereGiven, type Listed, type Page } from './matching.js';
import { joinOwner, OWNER_COLUMNS, whereOwned, type OwnerColumns, type Owners } from './owners.js';
import type { FirewallRuleRow, NetworkRow, PublicAddressRow } from './rows.js';

export interface NetworkListRow extends NetworkRow, OwnerColumns {
  zone_name: string;
  offering_name: string;
  offering_text: string;
  egress_default_policy: number;
  services: string;
}
export interface NetworkFilter {
  id?: string;
  name?: string;
  keyword?: string;
  zoneid?: string;
  type?: string;
  networkofferingid?: string;
  owners: Owners;
}

export async function listNetworks(db: Db, filter: NetworkFilter, page: Page): Promise<Listed<NetworkListRow>> {
  const query = joinOwner(db('networks as n'), 'n.account_id')
    .join('data_center as z', 'z.uuid', 'n.data_center_id')
    .join('network_offerings as o', 'o.uuid', 'n.network_offering_id')
    .whereNull('n.removed');
  whereOwned(query, filter.owners);
  whereGiven(query, {
    'n.uuid': filter.id,
    'n.data_center_id': filter.zoneid,
    'n.network_offering_id': filter.networkofferingid,
  });
  if (filter.type !== undefined) sameText(db, query, 'n.guest_type', filter.type);
  if (filter.name !== undefined) sameText(db, query, 'n.name', filter.name);
  if (filter.keyword) containsText(query, 'n.name', filter.keyword);
  const offering = [
    'o.name as offering_name',
    'o.display_text as offering_text',
    'o.egress_default_policy',
    'o.services',
  ];
  return readPage(query, ['n.*', 'z.name as zone_name', ...offering, ...OWNER_COLUMNS], 'n.id', page);
}

export interface AddressListRow extends PublicAddressRow, Partial<OwnerColumns> {
  zone_name: string;
  network_name: string | null;
}
export interface AddressFilter {
  id?: string;
  ipaddress?: string;
  zoneid?: string;
  networkId?: string;
  state?: string;
  issourcenat?: boolean;
  allocatedOnly: boolean;
  owners: Owners;
}

export async function listAddresses(db: Db, filter: AddressFilter, page: Page): Promise<Listed<AddressListRow>> {
  const query = db('user_ip_address as i')
    .join('data_center as z', 'z.uuid', 'i.data_center_id')
    .leftJoin('networks as n', 'n.uuid', 'i.network_id')
    .leftJoin('account as a', 'a.uuid', 'i.account_id')
    .leftJoin('domain as d', 'd.uuid', 'a.domain_id');
  whereOwned(query, filter.owners);
  whereGiven(query, {
    'i.uuid': filter.id,
    'i.public_ip_address': filter.ipaddress,
    'i.data_center_id': filter.zoneid,
    'i.network_id': filter.networkId,
    'i.source_nat': filter.issourcenat === undefined ? undefined : Number(filter.issourcenat),
  });
  if (filter.state !== undefined) sameText(db, query, 'i.state', filter.state);
  if (filter.allocatedOnly) void query.where('i.state', 'Allocated');
  return readPage(query, ['i.*', 'z.name as zone_name', 'n.name as network_name', ...OWNER_COLUMNS], 'i.id', page);
}

export interface RuleListRow extends FirewallRuleRow, OwnerColumns {
  public_ip_address: string;
  zone_id: string;
  zone_name: string;
  vm_name: string | null;
  vm_display_name: string | null;
  vm_ip: string | null;
}
export interface RuleFilter {
  purpose: FirewallRuleRow['purpose'];
  id?: string;
  name?: string;
  keyword?: string;
  ipaddressid?: string;
  networkid?: string;
  zoneid?: string;
  owners: Owners;
}

/** Rules belong to the owner of their network. */
export async function listRules(db: Db, filter: RuleFilter, page: Page): Promise<Listed<RuleListRow>> {
  const query = joinOwner(db('firewall_rules as r').join('networks as n', 'n.uuid', 'r.network_id'), 'n.account_id')
    .join('user_ip_address as i', 'i.uuid', 'r.ip_address_id')
    .join('data_center as z', 'z.uuid', 'n.data_center_id')
    .leftJoin('vm_instance as v', 'v.uuid', 'r.vm_id')
    .where('r.purpose', filter.purpose);
  whereOwned(query, filter.owners);
  whereGiven(query, {
    'r.uuid': filter.id,
    'r.ip_address_id': filter.ipaddressid,
    'r.network_id': filter.networkid,
    'n.data_center_id': filter.zoneid,
  });
  if (filter.name !== undefined) sameText(db, query, 'r.name', filter.name);
  if (filter.keyword) containsText(query, 'r.name', filter.keyword);
  const machine = ['v.name as vm_name', 'v.display_name as vm_display_name', 'v.ip_address as vm_ip'];
  return readPage(
    query,
    ['r.*', 'i.public_ip_address', 'z.uuid as zone_id', 'z.name as zone_name', ...machine, ...OWNER_COLUMNS],
    'r.id',
    page,
  );
}
