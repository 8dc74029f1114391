/**
 * What a gateway has to know of a network, as rows. A gateway renders the whole; a row in state `Revoke` is not rendered, all others
 * are. Cluster rows (`user_made` 0) are made by the gateway activities, users' rows (`user_made` 1) by commands.
 *
 * - Isolated network: one `networks` row, addresses with its `network_id` (`source_nat` 1: one; others: `associateIpAddress`).
 * - VPC: its tiers are `networks` rows with `vpc_id`, one namespace for all; addresses have `vpc_id` (and `network_id` of the tier that
 *   their rules are for, once they have some). Tiers have no firewall rules but `acl_id`: `network_acl_item` rows in order of `number`, the first
 *   match decides, nothing matched: denied inwards, allowed outwards when there is no Egress item. `acl_id` null: allow all.
 * - Shared network: no gateway, no rules; `start_ip` to `end_ip` are its machines' addresses.
 *
 * `firewall_rules`, by `purpose`; each is for the address `ip_address_id`, not only for the source NAT one:
 * - `Firewall`: lets `protocol` (tcp, udp, icmp, all) to `start_port`-`end_port` in from `cidr_list` (comma list; null: anywhere). icmp has
 *   `icmp_type`/`icmp_code` (-1 or null: any), ports 0-0; `all` has ports 0-0.
 * - `PortForwarding`: `start_port`-`end_port` → machine `vm_id` (its `ip_address`, or `guest_ip` when that is set), `private_port`-`private_end_port`.
 * - `LoadBalancing`: `start_port` → members' `private_port`, by `algorithm` (roundrobin, leastconn, source; null: roundrobin), from `cidr_list`.
 *   Members of a user's rule are `load_balancer_vm_map` rows (`ip_address` when set, else the machine's). A cluster's own rule (`user_made` 0)
 *   has no such rows: its members are the cluster's control nodes.
 * `egress_firewall_rules`, isolated networks only: exceptions from the offering's `egress_default_policy` (1: these deny, 0: these allow).
 *
 * `rules_version` (of the network, or of the VPC for all its tiers) grows with each change: who applies reads it, applies, sets the
 * network's state to Implemented, and applies again when it has changed meanwhile, so that two that apply at once end with the newer.
 * While no network is Implemented, changes are rows only and their jobs end at once.
 */
import type { Knex } from 'knex';
import { fault } from '../workflows/model/fault.js';
import type { Db } from './knex.js';
import type {
  AclItemRow,
  BalancerMemberRow,
  EgressRuleRow,
  FirewallRuleRow,
  NetworkOfferingRow,
  NetworkRow,
  PublicAddressRow,
  VpcRow,
  ZoneRow,
} from './rows.js';

export interface RuleFacts extends FirewallRuleRow {
  public_ip_address: string;
  /** Address inside the network that a forward leads to; null on other rules, or while the machine has none. */
  target: string | null;
}

/** Everything that is rendered for one namespace of a gateway: an isolated network, or a VPC with its tiers. */
export interface GatewayFacts {
  /** The network's id, or the VPC's. */
  id: string;
  zone: ZoneRow;
  vpc: VpcRow | null;
  version: number;
  /** By number; one where it is no VPC. */
  networks: (NetworkRow & Pick<NetworkOfferingRow, 'egress_default_policy'>)[];
  /** The source NAT address first. */
  addresses: PublicAddressRow[];
  rules: RuleFacts[];
  /** Members of users' balancer rules, with the address that traffic goes to. */
  members: (BalancerMemberRow & { target: string | null })[];
  egress: EgressRuleRow[];
  /** By ACL and number. */
  acl: AclItemRow[];
}

/** A removed machine's address may be another machine's by now. */
const TARGET = (given: string) => `CASE WHEN v.removed IS NULL THEN COALESCE(${given}, v.ip_address) END`;

/** A network, or a whole VPC. */
export type GatewayRef = { networkId: string } | { vpcId: string };

/** Rows of many networks and VPCs. */
export interface GatewayRows {
  asked: NetworkRow[];
  vpcs: VpcRow[];
  zones: ZoneRow[];
  networks: GatewayFacts['networks'];
  addresses: PublicAddressRow[];
  rules: RuleFacts[];
  members: GatewayFacts['members'];
  egress: EgressRuleRow[];
  acl: AclItemRow[];
}

/** Reads what is to be rendered for the network, or for the whole VPC that it is a tier of. Undefined: it is gone or has no gateway. */
export const readGatewayFacts = async (db: Db, of: GatewayRef): Promise<GatewayFacts | undefined> =>
  gatewayFacts(await readGatewayRows(db, [of]), of);

/** Reads what `gatewayFacts` takes the facts of any of these from: a statement for each kind of row, however many they are. */
export async function readGatewayRows(db: Db, of: readonly GatewayRef[]): Promise<GatewayRows> {
  const networkIds = of.flatMap((one) => ('networkId' in one ? [one.networkId] : []));
  const asked = networkIds.length === 0 ? [] : await db<NetworkRow>('networks').whereIn('uuid', networkIds).whereNull('removed'); // prettier-ignore
  const vpcIds = [
    ...of.flatMap((one) => ('vpcId' in one ? [one.vpcId] : [])),
    ...asked.flatMap(({ vpc_id }) => vpc_id ?? []),
  ];
  const vpcs = vpcIds.length === 0 ? [] : await db<VpcRow>('vpc').whereIn('uuid', vpcIds).whereNull('removed');
  /** Rows of these networks by one column, or of these VPCs by another; a column that is asked for nothing would have the whole table read. */
  const within = (network: string, vpc: string) => (q: Knex.QueryBuilder) => {
    if (vpcs.length > 0) void q.whereIn(vpc, vpcs.map(({ uuid }) => uuid)); // prettier-ignore
    if (asked.length > 0) void q.orWhereIn(network, asked.map(({ uuid }) => uuid)); // prettier-ignore
  };
  const isNone = vpcs.length + asked.length === 0;
  const networks = isNone
    ? []
    : await db('networks as n')
        .join('network_offerings as o', 'o.uuid', 'n.network_offering_id')
        .where(within('n.uuid', 'n.vpc_id'))
        .whereNull('n.removed')
        .whereNot('n.state', 'Destroy')
        .orderBy('n.network_number')
        .select<GatewayFacts['networks']>('n.*', 'o.egress_default_policy');
  const ids = networks.map(({ uuid }) => uuid);
  const addresses = isNone
    ? []
    : await db<PublicAddressRow>('user_ip_address')
        .where(within('network_id', 'vpc_id'))
        .whereNotIn('state', ['Free', 'Releasing'])
        .orderBy([{ column: 'source_nat', order: 'desc' }, 'id']);
  const rules = await db('firewall_rules as r')
    .join('user_ip_address as i', 'i.uuid', 'r.ip_address_id')
    .leftJoin('vm_instance as v', 'v.uuid', 'r.vm_id')
    .whereIn('r.network_id', ids)
    .whereNot('r.state', 'Revoke')
    .orderBy('r.id')
    .select<RuleFacts[]>('r.*', 'i.public_ip_address', db.raw(`${TARGET('r.guest_ip')} AS target`));
  // Of the scan's comparisons almost all are of networks that have only what their cluster needs: no balancer of a user's, and no ACL.
  const balanced = rules.filter(({ purpose, user_made }) => purpose === 'LoadBalancing' && user_made === 1);
  const members =
    balanced.length === 0
      ? []
      : await db('load_balancer_vm_map as m')
          .join('vm_instance as v', 'v.uuid', 'm.vm_id')
          .whereIn('m.rule_id', balanced.map(({ uuid }) => uuid))
          .whereNot('m.state', 'Revoke')
          .orderBy('m.id')
          .select<GatewayFacts['members']>('m.*', db.raw(`${TARGET('m.ip_address')} AS target`)); // prettier-ignore
  const acls = networks.flatMap(({ acl_id }) => acl_id ?? []);
  const zoneIds = [...vpcs, ...asked].map(({ data_center_id }) => data_center_id);
  return {
    asked,
    vpcs,
    zones: await db<ZoneRow>('data_center').whereIn('uuid', [...new Set(zoneIds)]),
    networks,
    addresses,
    rules,
    members,
    egress: await db<EgressRuleRow>('egress_firewall_rules').whereIn('network_id', ids).whereNot('state', 'Revoke').orderBy('id'), // prettier-ignore
    acl: acls.length === 0 ? [] : await db<AclItemRow>('network_acl_item').whereIn('acl_id', acls).whereNot('state', 'Revoke').orderBy(['acl_id', 'number']), // prettier-ignore
  };
}

/** What is to be rendered for one of those whose rows were read. Undefined: it is gone or has no gateway. */
export function gatewayFacts(rows: GatewayRows, of: GatewayRef): GatewayFacts | undefined {
  const network = 'networkId' in of ? rows.asked.find(({ uuid }) => uuid === of.networkId) : undefined;
  const vpcId = 'vpcId' in of ? of.vpcId : network?.vpc_id;
  const vpc = rows.vpcs.find(({ uuid }) => uuid === vpcId);
  const root = vpc ?? network;
  if (!root || network?.guest_type === 'Shared') return undefined;
  const zone = rows.zones.find(({ uuid }) => uuid === root.data_center_id);
  if (!zone) throw fault('Internal', `network ${root.uuid} is in no zone`);
  const networks = rows.networks.filter(({ uuid, vpc_id }) => (vpc ? vpc_id : uuid) === root.uuid);
  const ids = new Set(networks.map(({ uuid }) => uuid));
  const acls = new Set(networks.map(({ acl_id }) => acl_id));
  const rules = rows.rules.filter(({ network_id }) => ids.has(network_id));
  const ruleIds = new Set(rules.map(({ uuid }) => uuid));
  return {
    id: root.uuid,
    zone,
    vpc: vpc ?? null,
    version: root.rules_version,
    networks,
    addresses: rows.addresses.filter(({ network_id, vpc_id }) => (vpc ? vpc_id : network_id) === root.uuid),
    rules,
    members: rows.members.filter(({ rule_id }) => ruleIds.has(rule_id)),
    egress: rows.egress.filter(({ network_id }) => ids.has(network_id)),
    acl: rows.acl.filter(({ acl_id }) => acls.has(acl_id)),
  };
}

/** The version that a render was read at, as it is now. Another one: apply again. */
export async function readRulesVersion(db: Db, facts: Pick<GatewayFacts, 'id' | 'vpc'>): Promise<number> {
  const row = await db(facts.vpc ? 'vpc' : 'networks').where({ uuid: facts.id }).first<{ rules_version: number } | undefined>('rules_version'); // prettier-ignore
  return row?.rules_version ?? -1;
}
