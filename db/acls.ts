import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { fault } from '../workflows/model/fault.js';
import type { Traffic } from '../workflows/model/network-rules.js';
import { now, type Db } from './knex.js';
import { containsText, readPage, sameText, whereGiven, type Listed, type Page, type Query } from './matching.js';
import { joinOwner, whereOwned, type Owners } from './owners.js';
import type { AclItemRow, AclRow } from './rows.js';

export interface AclListRow extends AclRow {
  vpc_name: string | null;
}
export interface AclFilter {
  id?: string;
  name?: string;
  keyword?: string;
  vpcid?: string;
  networkid?: string;
  owners: Owners;
}

/** ACLs of the owners' VPCs, and the two that every VPC has. */
const visible = (db: Db, query: Query, owners: Owners): Query => {
  const mine = whereOwned(joinOwner(db('vpc as p'), 'p.account_id'), owners).select('p.uuid');
  return query.where((either: Query) => void either.whereNull('l.vpc_id').orWhereIn('l.vpc_id', mine));
};

export async function listAcls(db: Db, filter: AclFilter, page: Page): Promise<Listed<AclListRow>> {
  const query = visible(
    db,
    db('network_acl as l').leftJoin('vpc as v', 'v.uuid', 'l.vpc_id').whereNull('l.removed'),
    filter.owners,
  );
  whereGiven(query, { 'l.uuid': filter.id });
  if (filter.vpcid !== undefined) {
    const { vpcid } = filter;
    void query.where((either: Query) => void either.where('l.vpc_id', vpcid).orWhereNull('l.vpc_id'));
  }
  if (filter.networkid !== undefined)
    void query.whereIn('l.uuid', db('networks').where({ uuid: filter.networkid }).select('acl_id'));
  if (filter.name !== undefined) sameText(db, query, 'l.name', filter.name);
  if (filter.keyword) containsText(query, 'l.name', filter.keyword);
  return readPage(query, ['l.*', 'v.name as vpc_name'], 'l.id', page);
}

export interface AclItemListRow extends AclItemRow {
  acl_name: string;
}
export interface AclItemFilter {
  id?: string;
  aclid?: string;
  networkid?: string;
  protocol?: string;
  traffictype?: string;
  action?: string;
  keyword?: string;
  owners: Owners;
}

/** In the order in which they are tried. */
export async function listAclItems(db: Db, filter: AclItemFilter, page: Page): Promise<Listed<AclItemListRow>> {
  const query = visible(
    db,
    db('network_acl_item as i').join('network_acl as l', 'l.uuid', 'i.acl_id').whereNull('l.removed'),
    filter.owners,
  );
  whereGiven(query, { 'i.uuid': filter.id, 'i.acl_id': filter.aclid });
  if (filter.networkid !== undefined)
    void query.whereIn('i.acl_id', db('networks').where({ uuid: filter.networkid }).select('acl_id'));
  if (filter.protocol !== undefined) sameText(db, query, 'i.protocol', filter.protocol);
  if (filter.traffictype !== undefined) sameText(db, query, 'i.traffic_type', filter.traffictype);
  if (filter.action !== undefined) sameText(db, query, 'i.action', filter.action);
  if (filter.keyword) containsText(query, 'i.reason', filter.keyword);
  return readPage(query, ['i.*', 'l.name as acl_name'], 'i.number', page);
}

export const readAcl = (db: Db, uuid: string): Promise<AclRow | undefined> =>
  Promise.resolve(db<AclRow>('network_acl').where({ uuid }).whereNull('removed').first());

/** Writes an ACL of a VPC; it lets nothing in until it has items. Returns its id. */
export async function addAcl(
  trx: Knex.Transaction,
  wanted: { name: string; description: string; vpcId: string },
): Promise<string> {
  if (await trx<AclRow>('network_acl').where({ vpc_id: wanted.vpcId, name: wanted.name }).whereNull('removed').first())
    throw fault('BadParameter', `The VPC has a network ACL named ${wanted.name} already`);
  const uuid = randomUUID();
  await trx('network_acl').insert({ uuid, name: wanted.name, description: wanted.description, vpc_id: wanted.vpcId, created: now(trx) }); // prettier-ignore
  return uuid;
}

export interface NewAclItem {
  aclId: string;
  /** Undefined: after the last one. */
  number?: number;
  traffic: Traffic;
  cidrs: string;
  trafficType: AclItemRow['traffic_type'];
  action: AclItemRow['action'];
  reason?: string;
  live: boolean;
}

/** Writes an item of an ACL whose VPC the transaction holds. Returns its id. */
export async function addAclItem(trx: Knex.Transaction, wanted: NewAclItem): Promise<string> {
  const items = await trx<AclItemRow>('network_acl_item').where({ acl_id: wanted.aclId }).orderBy('number');
  const number = wanted.number ?? (items.at(-1)?.number ?? 0) + 1;
  if (items.some((item) => item.number === number))
    throw fault('BadParameter', `The network ACL has an item with number ${number} already: numbers are its order, each used once`); // prettier-ignore
  const uuid = randomUUID();
  const { protocol, ports, icmpType, icmpCode } = wanted.traffic;
  await trx('network_acl_item').insert({
    uuid, acl_id: wanted.aclId, number, protocol, start_port: ports?.from ?? null, end_port: ports?.to ?? null, icmp_type: icmpType ?? null, icmp_code: icmpCode ?? null,
    cidr_list: wanted.cidrs, traffic_type: wanted.trafficType, action: wanted.action, state: wanted.live ? 'Add' : 'Active', reason: wanted.reason ?? null, created: now(trx),
  }); // prettier-ignore
  return uuid;
}
