import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { now, type Db } from './knex.js';
import { containsText, readPage, sameText, whereGiven, type Listed, type Page } from './matching.js';
import { joinOwner, OWNER_COLUMNS, whereOwned, type OwnerColumns, type Owners } from './owners.js';
import type { NetworkRow, VpcOfferingRow, VpcRow } from './rows.js';

export interface VpcListRow extends VpcRow, OwnerColumns {
  zone_name: string;
  offering_name: string;
  services: string;
  tiers: NetworkRow[];
}
export interface VpcFilter {
  id?: string;
  name?: string;
  keyword?: string;
  zoneid?: string;
  vpcofferingid?: string;
  state?: string;
  owners: Owners;
}

export async function listVpcs(db: Db, filter: VpcFilter, page: Page): Promise<Listed<VpcListRow>> {
  const query = joinOwner(db('vpc as p'), 'p.account_id')
    .join('data_center as z', 'z.uuid', 'p.data_center_id')
    .join('vpc_offerings as o', 'o.uuid', 'p.vpc_offering_id')
    .whereNull('p.removed');
  whereOwned(query, filter.owners);
  whereGiven(query, {
    'p.uuid': filter.id,
    'p.data_center_id': filter.zoneid,
    'p.vpc_offering_id': filter.vpcofferingid,
  });
  if (filter.state !== undefined) sameText(db, query, 'p.state', filter.state);
  if (filter.name !== undefined) sameText(db, query, 'p.name', filter.name);
  if (filter.keyword) containsText(query, 'p.name', filter.keyword);
  const columns = ['p.*', 'z.name as zone_name', 'o.name as offering_name', 'o.services', ...OWNER_COLUMNS];
  const { count, rows } = await readPage<Omit<VpcListRow, 'tiers'>>(query, columns, 'p.id', page);
  const ids = rows.map(({ uuid }) => uuid);
  const tiers = await db<NetworkRow>('networks').whereIn('vpc_id', ids).whereNull('removed').orderBy('id');
  return {
    count,
    rows: rows.map((row) => ({ ...row, tiers: tiers.filter(({ vpc_id }) => vpc_id === row.uuid) })),
  };
}

export async function listVpcOfferings(
  db: Db,
  filter: { id?: string; name?: string; keyword?: string; state?: string },
  page: Page,
): Promise<Listed<VpcOfferingRow>> {
  const query = whereGiven(db('vpc_offerings as o').whereNull('o.removed'), { 'o.uuid': filter.id });
  if (filter.state !== undefined) sameText(db, query, 'o.state', filter.state);
  if (filter.name !== undefined) sameText(db, query, 'o.name', filter.name);
  if (filter.keyword) containsText(query, 'o.name', filter.keyword);
  return readPage(query, ['o.*'], 'o.id', page);
}

export interface NewVpc {
  name: string;
  displayText: string;
  zoneId: string;
  offeringId: string;
  cidr: string;
  networkDomain?: string;
  owner: { accountId: string; domainId: string };
}

/** Writes a VPC's row. Returns its id. */
export async function addVpc(trx: Knex.Transaction, wanted: NewVpc): Promise<string> {
  const uuid = randomUUID();
  await trx('vpc').insert({
    uuid, name: wanted.name, display_text: wanted.displayText, data_center_id: wanted.zoneId, vpc_offering_id: wanted.offeringId, state: 'Enabled',
    cidr: wanted.cidr, network_domain: wanted.networkDomain ?? null, rules_version: 0, account_id: wanted.owner.accountId, domain_id: wanted.owner.domainId, created: now(trx),
  }); // prettier-ignore
  return uuid;
}
