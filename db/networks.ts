import type { Db } from './knex.js';
import {
  containsText,
  holdsWord,
  readPage,
  sameText,
  whereGiven,
  type Listed,
  type Page,
  type Query,
} from './matching.js';
import { joinOwner, OWNER_COLUMNS, whereOwned, type OwnerColumns, type Owners } from './owners.js';
import type { EgressRuleRow, FirewallRuleRow, NetworkRow, PublicAddressRow } from './rows.js';

export interface NetworkListRow extends NetworkRow, OwnerColumns {
  zone_name: string;
  offering_name: string;
  offering_text: string;
  egress_default_policy: number;
  services: string;
  vpc_name: string | null;
  acl_name: string | null;
}
export interface NetworkFilter {
  id?: string;
  name?: string;
  keyword?: string;
  zoneid?: string;
  type?: string;
  networkofferingid?: string;
  vpcid?: string;
  forvpc?: boolean;
  services?: readonly string[];
  aclType?: NetworkRow['acl_type'] | undefined;
  /** Domain whose members also see the networks that its accounts, and those above, share. */
  within?: string;
  owners: Owners;
}

export async function listNetworks(db: Db, filter: NetworkFilter, page: Page): Promise<Listed<NetworkListRow>> {
  const query = joinOwner(db('networks as n'), 'n.account_id')
    .join('data_center as z', 'z.uuid', 'n.data_center_id')
    .join('network_offerings as o', 'o.uuid', 'n.network_offering_id')
    .leftJoin('vpc as p', 'p.uuid', 'n.vpc_id')
    .leftJoin('network_acl as l', 'l.uuid', 'n.acl_id')
    .whereNull('n.removed');
  const { within, owners } = filter;
  if (within === undefined || owners.kind === 'all') whereOwned(query, owners);
  else
    void query.where(
      (either: Query) =>
        void either
          .where((own: Query) => void whereOwned(own, owners))
          .orWhere(
            (shared: Query) =>
              void shared.where('n.acl_type', 'Domain').whereIn('n.domain_id', domainsAbove(db, within)),
          ),
    );
  whereGiven(query, {
    'n.uuid': filter.id,
    'n.vpc_id': filter.vpcid,
    'n.data_center_id': filter.zoneid,
    'n.network_offering_id': filter.networkofferingid,
    'n.acl_type': filter.aclType,
  });
  if (filter.type !== undefined) sameText(db, query, 'n.guest_type', filter.type);
  if (filter.name !== undefined) sameText(db, query, 'n.name', filter.name);
  if (filter.keyword) containsText(query, 'n.name', filter.keyword);
  if (filter.forvpc !== undefined) void (filter.forvpc ? query.whereNotNull('n.vpc_id') : query.whereNull('n.vpc_id'));
  for (const service of filter.services ?? []) holdsWord(query, 'o.services', service);
  const offering = [
    'p.name as vpc_name',
    'l.name as acl_name',
    'o.name as offering_name',
    'o.display_text as offering_text',
    'o.egress_default_policy',
    'o.services',
  ];
  return readPage(query, ['n.*', 'z.name as zone_name', ...offering, ...OWNER_COLUMNS], 'n.id', page);
}

/** The domain at this path and those above it: what they share, its members may use. */
const domainsAbove = (db: Db, path: string): Query => {
  const parts = path.split('/').filter(Boolean);
  const above = parts.flatMap((_, i) => {
    const joined = parts.slice(0, i + 1).join('/');
    return [joined, `/${joined}/`];
  });
  return db('domain')
    .whereIn('path', [...above, '/', 'ROOT'])
    .select('uuid');
};

/** Whether members of the domain may use the network though another account owns it. */
export async function isSharedWith(db: Db, networkId: string, domainPath: string): Promise<boolean> {
  const row = await db('networks')
    .where({ uuid: networkId, acl_type: 'Domain' })
    .whereNull('removed')
    .whereIn('domain_id', domainsAbove(db, domainPath))
    .first<object | undefined>('uuid');
  return row !== undefined;
}

export interface AddressListRow extends PublicAddressRow, Partial<OwnerColumns> {
  zone_name: string;
  network_name: string | null;
  vpc_name: string | null;
  rules: number | string;
}
export interface AddressFilter {
  id?: string;
  ipaddress?: string;
  zoneid?: string;
  networkId?: string;
  vpcid?: string;
  state?: string;
  keyword?: string;
  issourcenat?: boolean;
  /** Whether balancer rules are for it. */
  balanced?: boolean;
  allocatedOnly: boolean;
  owners: Owners;
}

export async function listAddresses(db: Db, filter: AddressFilter, page: Page): Promise<Listed<AddressListRow>> {
  const query = db('user_ip_address as i')
    .join('data_center as z', 'z.uuid', 'i.data_center_id')
    .leftJoin('networks as n', 'n.uuid', 'i.network_id')
    .leftJoin('vpc as p', 'p.uuid', 'i.vpc_id')
    .leftJoin('account as a', 'a.uuid', 'i.account_id')
    .leftJoin('domain as d', 'd.uuid', 'a.domain_id');
  whereOwned(query, filter.owners);
  whereGiven(query, {
    'i.uuid': filter.id,
    'i.public_ip_address': filter.ipaddress,
    'i.data_center_id': filter.zoneid,
    'i.network_id': filter.networkId,
    'i.vpc_id': filter.vpcid,
    'i.source_nat': filter.issourcenat === undefined ? undefined : Number(filter.issourcenat),
  });
  if (filter.state !== undefined) sameText(db, query, 'i.state', filter.state);
  if (filter.keyword) containsText(query, 'i.public_ip_address', filter.keyword);
  if (filter.balanced)
    void query.whereIn('i.uuid', db('firewall_rules').where({ purpose: 'LoadBalancing' }).select('ip_address_id'));
  if (filter.allocatedOnly) void query.whereNot('i.state', 'Free');
  const columns = ['i.*', 'z.name as zone_name', 'n.name as network_name', 'p.name as vpc_name', ...OWNER_COLUMNS];
  const { count, rows } = await readPage<Omit<AddressListRow, 'rules'>>(query, columns, 'i.id', page);
  const used = await db('firewall_rules')
    .whereIn(
      'ip_address_id',
      rows.map(({ uuid }) => uuid),
    )
    .groupBy('ip_address_id')
    .select<{ ip_address_id: string; rules: number | string }[]>('ip_address_id', db.raw('COUNT(*) AS rules'));
  const rulesOf = new Map(used.map((each) => [each.ip_address_id, each.rules]));
  return { count, rows: rows.map((row) => ({ ...row, rules: rulesOf.get(row.uuid) ?? 0 })) };
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
  /** Of balancer rules: those that it is a member of. */
  virtualmachineid?: string;
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
  if (filter.virtualmachineid !== undefined)
    void query.whereIn(
      'r.uuid',
      db('load_balancer_vm_map').where({ vm_id: filter.virtualmachineid }).select('rule_id'),
    );
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

export interface EgressListRow extends EgressRuleRow, OwnerColumns {}

export async function listEgressRules(
  db: Db,
  filter: { id?: string; networkid?: string; owners: Owners },
  page: Page,
): Promise<Listed<EgressListRow>> {
  const query = joinOwner(
    db('egress_firewall_rules as r').join('networks as n', 'n.uuid', 'r.network_id'),
    'n.account_id',
  );
  whereOwned(query, filter.owners);
  whereGiven(query, { 'r.uuid': filter.id, 'r.network_id': filter.networkid });
  return readPage(query, ['r.*', ...OWNER_COLUMNS], 'r.id', page);
}
