import type { Db } from '../../db/knex.js';
import type { FirewallRuleRow, VlanRow } from '../../db/rows.js';
import type { GatewayFacts, RuleFacts } from '../../db/rules.js';
import { toNumber } from '../../workflows/model/addresses.js';
import { zoneBridge } from '../../workflows/model/network-rules.js';
import { readPeers } from '../fabric/ssh.js';
import type { AclRule, Balancer, Forward, GatewayNetwork, Opening, Protocol, Service, Tier } from './driver.js';

const ANYWHERE = '0.0.0.0/0';
/** Value of `draining` of a control node that leaves the cluster: the balancer does not name it any more, while its machine is removed. */
export const LEFT_OUT = 2;

/** A machine of a cluster, as a cluster's own balancer sees it. */
interface ControlNode {
  network_id: string;
  cluster_id: string;
  ip_address: string | null;
  draining: number;
}

/** What is rendered beside the facts of networks, of many at once. */
export interface Surroundings {
  controls: ControlNode[];
  /** Ranges that the first addresses are of. */
  ranges: VlanRow[];
  /** By zone. */
  peers: ReadonlyMap<string, string[]>;
  /** PEM by cluster. */
  authorities: ReadonlyMap<string, string>;
}

/** What the rows of a network, or of a VPC with its tiers, say that its gateway has to hold. */
export const renderGateway = async (db: Db, facts: GatewayFacts): Promise<GatewayNetwork> =>
  renderIn(await readSurroundings(db, [facts]), facts);

/** The same, with what was read for several of them. */
export const renderIn = (around: Surroundings, facts: GatewayFacts): GatewayNetwork => ({
  networkId: facts.id,
  outside: outsideOf(around, facts),
  tiers: renderTiers(around, facts),
  publicAddresses: facts.addresses.map(({ public_ip_address }) => public_ip_address),
  openings: facts.rules.filter(({ purpose }) => purpose === 'Firewall').flatMap(openings),
  egress: renderEgress(facts),
  forwards: facts.rules.filter(({ purpose }) => purpose === 'PortForwarding').flatMap(forwards),
  balancers: renderBalancers(around, facts),
});

/** Reads what `renderIn` needs for each of these: a statement for each kind of row, however many they are. */
export async function readSurroundings(db: Db, all: readonly GatewayFacts[]): Promise<Surroundings> {
  const controls = await readControls(db, all);
  const checked = all.some(({ rules }) => rules.some(isOwnBalancer));
  const clusterIds = [...new Set(controls.map(({ cluster_id }) => cluster_id))];
  const details =
    checked && clusterIds.length > 0
      ? await db('kubernetes_cluster_details')
          .whereIn('cluster_id', clusterIds)
          .where({ name: 'caCert' })
          .select<{ cluster_id: string; value: string }[]>('cluster_id', 'value')
      : [];
  const rangeIds = all.flatMap(({ zone, addresses: [first] }) => (zone.public_bridge && first?.vlan_id) || []);
  const zones = new Set(all.flatMap(({ zone }) => (zone.network_mode === 'vxlan' ? [zone.uuid] : [])));
  const peers = new Map<string, string[]>();
  for (const zoneId of zones) peers.set(zoneId, await readPeers(db, zoneId));
  return {
    controls,
    ranges: rangeIds.length === 0 ? [] : await db<VlanRow>('vlan').whereIn('uuid', [...new Set(rangeIds)]),
    peers,
    authorities: new Map(details.map(({ cluster_id, value }) => [cluster_id, value])),
  };
}

/** Made for a cluster's API servers; members answer to the cluster's authority. */
const isOwnBalancer = ({ purpose, protocol, user_made }: RuleFacts): boolean =>
  purpose === 'LoadBalancing' && protocol === 'tcp' && user_made === 0;

const cidrsOf = (list: string | null): string[] => (list ? list.split(',').map((cidr) => cidr.trim()) : []);
const anyOf = (list: string | null): string[] => (list ? cidrsOf(list) : [ANYWHERE]);

interface Row extends Pick<FirewallRuleRow, 'protocol' | 'icmp_type' | 'icmp_code'> {
  start_port: number | null;
  end_port: number | null;
}

/** Ports that were not given are all of them. */
function serviceOf({ protocol, start_port, end_port, icmp_type, icmp_code }: Row): Service {
  if (protocol === 'icmp') return { protocol, from: icmp_type ?? -1, to: icmp_code ?? -1 };
  if (protocol === 'tcp' || protocol === 'udp')
    return { protocol, from: start_port ?? 1, to: end_port ?? start_port ?? 65535 };
  return { protocol: 'all', from: 0, to: 0 };
}

const openings = (rule: RuleFacts): Opening[] =>
  anyOf(rule.cidr_list).map((cidr) => ({ publicAddress: rule.public_ip_address, ...serviceOf(rule), cidr }));

/** Nothing while the machine has no address. */
const forwards = (rule: RuleFacts): Forward[] =>
  rule.target === null
    ? []
    : [
        {
          publicAddress: rule.public_ip_address,
          protocol: rule.protocol === 'udp' ? 'udp' : 'tcp',
          publicPort: rule.start_port,
          publicEndPort: rule.end_port,
          address: rule.target,
          port: rule.private_port ?? rule.start_port,
        },
      ];

/** How the namespace reaches the outside: by the range that its first address is of. Null where no public bridge is named. */
function outsideOf({ ranges }: Surroundings, { zone, addresses: [first] }: GatewayFacts): GatewayNetwork['outside'] {
  if (!first?.vlan_id || !zone.public_bridge) return null;
  const range = ranges.find(({ uuid }) => uuid === first.vlan_id);
  if (!range) return null;
  return { bridge: zone.public_bridge, prefix: prefixOf(range.vlan_netmask), gateway: range.vlan_gateway };
}

const prefixOf = (netmask: string): number => 32 - Math.log2(2 ** 32 - toNumber(netmask));

function renderTiers(around: Surroundings, { zone, networks, vpc, acl }: GatewayFacts): Tier[] {
  const peers = around.peers.get(zone.uuid) ?? [];
  const bridge = zoneBridge(zone);
  return networks.map((network) => ({
    networkId: network.uuid,
    networkNumber: network.network_number,
    cidr: network.cidr,
    gateway: network.gateway,
    bridge,
    peers,
    acl: vpc ? rulesOf(network.acl_id, acl) : null,
  }));
}

const ALL = { protocol: 'all' as Protocol, from: 0, to: 0, cidr: ANYWHERE };

function rulesOf(aclId: string | null, items: GatewayFacts['acl']): AclRule[] {
  if (aclId === null) return [{ direction: 'in', action: 'allow', ...ALL }];
  const own = items.filter((item) => item.acl_id === aclId);
  const rules = own.flatMap((item) =>
    anyOf(item.cidr_list).map((cidr): AclRule => ({
      direction: item.traffic_type === 'Ingress' ? 'in' : 'out',
      action: item.action === 'Allow' ? 'allow' : 'deny',
      ...serviceOf(item),
      cidr,
    })),
  );
  // Once there is a rule for what goes out, the rest may not.
  const outwards = rules.some(({ direction }) => direction === 'out');
  return outwards ? [...rules, { direction: 'out', action: 'deny', ...ALL }] : rules;
}

function renderEgress({ vpc, networks, egress }: GatewayFacts): GatewayNetwork['egress'] {
  const allow = vpc !== null || networks[0]?.egress_default_policy === 1;
  const except = egress.flatMap((rule) =>
    anyOf(rule.cidr_list).flatMap((source) =>
      anyOf(rule.dest_cidr_list).map((destination) => ({ ...serviceOf(rule), source, destination })),
    ),
  );
  return { policy: allow ? 'allow' : 'deny', except };
}

const readControls = (db: Db, all: readonly GatewayFacts[]): Promise<ControlNode[]> =>
  Promise.resolve(
    db('kubernetes_cluster_vm_map as m')
      .join('vm_instance as v', 'v.uuid', 'm.vm_id')
      .whereIn(
        'v.network_id',
        all.flatMap(({ networks }) => networks.map(({ uuid }) => uuid)),
      )
      .where('m.control_node', 1)
      .whereNot('m.draining', LEFT_OUT)
      .whereNotIn('v.state', ['Expunging', 'Destroyed'])
      .orderBy('m.id')
      .select<ControlNode[]>('m.cluster_id', 'm.draining', 'v.network_id', 'v.ip_address'),
  );

function renderBalancers({ controls, authorities }: Surroundings, facts: GatewayFacts): Balancer[] {
  const balancers: Balancer[] = [];
  for (const rule of facts.rules) {
    const tier = facts.networks.find(({ uuid }) => uuid === rule.network_id);
    // haproxy balances TCP only; the commands take nothing else.
    if (rule.purpose !== 'LoadBalancing' || rule.protocol !== 'tcp' || !tier) continue;
    const own = isOwnBalancer(rule);
    const nodes = controls.filter((node) => node.network_id === rule.network_id);
    const members = own
      ? nodes.map(({ ip_address, draining }) => ({ address: ip_address, draining: draining === 1 }))
      : facts.members
          .filter(({ rule_id }) => rule_id === rule.uuid)
          .map(({ target }) => ({ address: target, draining: false }));
    const ca = own && nodes[0] ? authorities.get(nodes[0].cluster_id) : undefined;
    balancers.push({
      publicAddress: rule.public_ip_address,
      name: rule.name ?? 'lb',
      publicPort: rule.start_port,
      port: rule.private_port ?? rule.start_port,
      algorithm: rule.algorithm === 'leastconn' || rule.algorithm === 'source' ? rule.algorithm : 'roundrobin',
      networkNumber: tier.network_number,
      cidrs: cidrsOf(rule.cidr_list).filter((cidr) => cidr !== ANYWHERE),
      members: members.flatMap(({ address, draining }) => (address === null ? [] : [{ address, draining }])),
      check: ca ? { ca } : null,
    });
  }
  return balancers;
}
