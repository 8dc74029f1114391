import { createHash, randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { fault } from '../workflows/model/fault.js';
import {
  API_PORT,
  findConflict,
  FIRST_SSH_PORT,
  type PortRange,
  type RuleClaim,
} from '../workflows/model/network-rules.js';
import { now } from './knex.js';
import { lockRoot, type Root } from './network-changes.js';
import type { ClusterRow, FirewallRuleRow, NetworkRow, PublicAddressRow, VmRow } from './rows.js';

/** The address that a new rule is for, with the network that the rule leads into, held by the transaction. */
export interface RulePlace {
  root: Root;
  network: NetworkRow;
  address: PublicAddressRow;
}

/**
 * Holds the network of the address. An address of a VPC serves one of its tiers: `networkId` names it for the first rule.
 */
export async function lockRulePlace(
  trx: Knex.Transaction,
  addressId: string,
  networkId: string | undefined,
): Promise<RulePlace> {
  const seen = await trx<PublicAddressRow>('user_ip_address').where({ uuid: addressId }).first();
  const tier = seen?.network_id ?? networkId;
  if (!seen || seen.state === 'Free' || (tier === undefined && seen.vpc_id === null))
    throw fault('BadParameter', `The public address ${seen?.public_ip_address ?? addressId} is not acquired for a network: use associateIpAddress first`); // prettier-ignore
  if (tier === undefined)
    throw fault('BadParameter', `Unable to find the network of address ${seen.public_ip_address}: it belongs to a VPC, so networkid has to name the tier`); // prettier-ignore
  const root = await lockRoot(trx, { networkId: tier });
  const address = (await trx<PublicAddressRow>('user_ip_address').where({ uuid: addressId }).first())!;
  const network = root.network!;
  const belongs = root.vpc ? address.vpc_id === root.vpc.uuid : address.network_id === network.uuid;
  if (!belongs || (address.network_id !== null && address.network_id !== network.uuid))
    throw fault('BadParameter', `The public address ${address.public_ip_address} does not belong to network ${network.name}`); // prettier-ignore
  if (networkId !== undefined && networkId !== network.uuid)
    throw fault('BadParameter', `The public address ${address.public_ip_address} serves network ${network.name}, not the network ${networkId}`); // prettier-ignore
  if (address.state === 'Releasing')
    throw fault('BadParameter', `The public address ${address.public_ip_address} is being released`);
  if (root.vpc && address.network_id === null) {
    if (address.source_nat === 1)
      throw fault('BadParameter', `The public address ${address.public_ip_address} is the source NAT address of VPC ${root.vpc.name}: rules need an address of their own`); // prettier-ignore
    await trx('user_ip_address').where({ uuid: addressId }).update({ network_id: network.uuid });
  }
  return { root, network, address };
}

export interface NewRule {
  purpose: FirewallRuleRow['purpose'];
  protocol: string;
  ports: PortRange;
  /** Null: from anywhere. */
  cidrs: string | null;
  icmp?: readonly [type: number, code: number];
  privatePorts?: PortRange;
  vmId?: string;
  name?: string;
  description?: string;
  algorithm?: string;
  relatedId?: string;
}

const SLOT = 16;
const slotOf = ({ purpose, cidrs, icmp }: NewRule): string =>
  purpose !== 'Firewall' || (cidrs === null && !icmp)
    ? ''
    : createHash('sha256').update(`${cidrs ?? ''} ${icmp?.join('/') ?? ''}`).digest('hex').slice(0, SLOT); // prettier-ignore

/** Adds a user's rule, wanted but not on the gateway yet. Throws `NetworkRuleConflict` when another rule or a cluster has its ports. */
export async function addRule(
  trx: Knex.Transaction,
  { root, network, address }: RulePlace,
  rule: NewRule,
): Promise<string> {
  const claim: RuleClaim = {
    purpose: rule.purpose,
    protocol: rule.protocol,
    ...rule.ports,
    cidrs: rule.cidrs,
    ...(rule.icmp && { icmp: rule.icmp }),
    name: 'the new rule',
  };
  const conflict = findConflict(claim, await readClaims(trx, network, address));
  if (conflict)
    throw fault('NetworkRuleConflict', `The range ${rangeOf(claim)} of ${address.public_ip_address} conflicts with ${conflict.name}, which has ${rangeOf(conflict)}`); // prettier-ignore
  const uuid = randomUUID();
  await trx('firewall_rules').insert({
    uuid, purpose: rule.purpose, network_id: network.uuid, ip_address_id: address.uuid, protocol: rule.protocol, start_port: rule.ports.from, end_port: rule.ports.to,
    private_port: rule.privatePorts?.from ?? null, private_end_port: rule.privatePorts?.to ?? null, vm_id: rule.vmId ?? null, name: rule.name ?? null,
    description: rule.description ?? null, algorithm: rule.algorithm ?? null, cidr_list: rule.cidrs, icmp_type: rule.icmp?.[0] ?? null, icmp_code: rule.icmp?.[1] ?? null,
    related_id: rule.relatedId ?? null, state: root.live ? 'Add' : 'Active', user_made: 1, slot: slotOf(rule), created: now(trx),
  }); // prettier-ignore
  return uuid;
}

const rangeOf = ({ protocol, from, to }: RuleClaim) =>
  from === 0 ? protocol : `${protocol} ${from === to ? from : `${from}-${to}`}`;

/** What the address's ports are used for: by rules, also those that are being deleted, and by clusters whose rules are not made yet. */
export async function readClaims(
  trx: Knex.Transaction,
  network: NetworkRow,
  address: PublicAddressRow,
): Promise<RuleClaim[]> {
  const rules = await trx<FirewallRuleRow>('firewall_rules').where({ ip_address_id: address.uuid }).orderBy('id');
  const claims = rules.map((row): RuleClaim => ({
    purpose: row.purpose,
    protocol: row.protocol,
    from: row.start_port,
    to: row.protocol === 'all' ? 0 : row.end_port,
    cidrs: row.cidr_list,
    icmp: [row.icmp_type, row.icmp_code],
    name: `${row.user_made === 1 ? 'rule' : "a cluster's rule"} ${row.uuid}${row.state === 'Revoke' ? ' (being deleted)' : ''}`,
  }));
  if (address.source_nat !== 1) return claims;
  const clusters = await trx<ClusterRow>('kubernetes_cluster').where({ network_id: network.uuid, cluster_type: 'CloudManaged' }).whereNull('removed'); // prettier-ignore
  return [...claims, ...clusters.flatMap(claimsOfCluster)];
}

/** Ports of the source NAT address that a cluster in an isolated network has or will have (`behaviour.md` §4.3). */
function claimsOfCluster(cluster: ClusterRow): RuleClaim[] {
  const workers = Math.max(cluster.node_count, cluster.maxsize ?? 0);
  const nodes = Math.max(1, cluster.control_node_count + workers + cluster.etcd_node_count);
  const api = { from: API_PORT, to: API_PORT, name: `the API server of Kubernetes cluster ${cluster.name}` };
  const ssh = {
    from: FIRST_SSH_PORT,
    to: FIRST_SSH_PORT + nodes - 1,
    name: `SSH to the nodes of Kubernetes cluster ${cluster.name}`,
  };
  return [api, ssh].flatMap((each) =>
    (['Firewall', 'PortForwarding'] as const).map((purpose) => ({ ...each, purpose, protocol: 'tcp', cidrs: null })),
  );
}

/** Opens the firewall for a forward or balancer; an equal rule that is there already serves. */
export async function openFirewallFor(
  trx: Knex.Transaction,
  place: RulePlace,
  relatedId: string,
  { protocol, ports, cidrs }: Pick<NewRule, 'protocol' | 'ports' | 'cidrs'>,
): Promise<void> {
  const there = await trx('firewall_rules')
    .where({ ip_address_id: place.address.uuid, purpose: 'Firewall', protocol, start_port: ports.from, end_port: ports.to })
    .whereNot({ state: 'Revoke' })
    .first<object | undefined>('uuid'); // prettier-ignore
  if (!there) await addRule(trx, place, { purpose: 'Firewall', protocol, ports, cidrs, relatedId });
}

/** The machine of a forward or member: in this network, not removed, with an address. */
export async function machineIn(
  trx: Knex.Transaction,
  network: NetworkRow,
  vmId: string,
): Promise<VmRow & { ip_address: string }> {
  const vm = await trx<VmRow>('vm_instance').where({ uuid: vmId }).first();
  if (!vm || vm.removed !== null) throw fault('BadParameter', `The machine ${vm?.name ?? vmId} was destroyed`);
  if (vm.network_id !== network.uuid)
    throw fault('BadParameter', `Machine ${vm.name} is not in network ${network.name}: rules of a network lead to machines in it`); // prettier-ignore
  if (vm.ip_address === null)
    throw fault('BadParameter', `Machine ${vm.name} has no address in network ${network.name}`);
  return { ...vm, ip_address: vm.ip_address };
}

/** Refuses a change of a rule that a cluster made: the cluster would make it again. */
export async function assertUserMade(trx: Knex.Transaction, rule: FirewallRuleRow): Promise<void> {
  if (rule.user_made === 1) return;
  const cluster = await trx<ClusterRow>('kubernetes_cluster').where({ network_id: rule.network_id }).whereNull('removed').first(); // prettier-ignore
  if (cluster)
    throw fault('Refused', `The rule ${rule.uuid} belongs to Kubernetes cluster ${cluster.name} and goes with it: it cannot be changed by itself`); // prettier-ignore
}

/** The rule, its network held. Throws when it is gone or going. */
export async function lockRule(
  trx: Knex.Transaction,
  ruleId: string,
  purpose: FirewallRuleRow['purpose'],
): Promise<{ root: Root; rule: FirewallRuleRow }> {
  const read = () => trx<FirewallRuleRow>('firewall_rules').where({ uuid: ruleId, purpose }).first();
  const seen = await read();
  const root = seen && (await lockRoot(trx, { networkId: seen.network_id }));
  const rule = root && (await read());
  if (!rule || rule.state === 'Revoke') throw fault('BadParameter', `The rule ${ruleId} was deleted`);
  await assertUserMade(trx, rule);
  return { root, rule };
}

/** Takes away the rules that lead to a machine, for when it is destroyed. Its gateways follow with their next change or look. */
export async function dropRulesOfMachine(trx: Knex.Transaction, vmId: string): Promise<void> {
  const forwards = await trx('firewall_rules').where({ vm_id: vmId }).pluck<string[]>('uuid');
  await trx('firewall_rules').whereIn('uuid', forwards).orWhereIn('related_id', forwards).delete();
  await trx('load_balancer_vm_map').where({ vm_id: vmId }).delete();
}
