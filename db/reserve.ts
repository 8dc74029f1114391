import { randomBytes, randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { addressesOf } from '../workflows/model/address-range.js';
import { macOf, nodeAddresses, toNumber } from '../workflows/model/addresses.js';
import { fault } from '../workflows/model/fault.js';
import { nodeName, nodePrefix } from '../workflows/model/names.js';
import {
  nodeLabel,
  sameNode,
  type NodeRef,
  type NodeRoleName,
  type OfferingSize,
} from '../workflows/model/operation.js';
import { place } from '../workflows/model/placement.js';
import { readRoleOfferings } from './cluster-facts.js';
import { holdCluster } from './clusters.js';
import { now, transact } from './knex.js';
import { readNodes, type NodeRow } from './nodes.js';
import { hasRoomFor, readFactors } from './overprovisioning.js';
import { readHostRooms } from './rooms.js';
import type { ClusterRow, NetworkRow, TemplateRow, ZoneRow } from './rows.js';

/** How much larger than its offering a machine can become without a restart. */
const HEADROOM = 2;

export interface Reservation {
  clusterId: string;
  userId: string;
  /** The operation, by its first attempt, that makes the nodes. */
  rootId: string;
  wanted: readonly NodeRef[];
  /** Instead of the cluster's own offering of the role. */
  offerings?: Partial<Record<NodeRoleName, OfferingSize>>;
  /** The machine in whose place they are made. */
  replaces?: string;
}

/**
 * Rows, addresses, names and places of those wanted nodes that are not there yet, in one transaction: a host's room is taken by
 * a conditional update, so that two operations cannot both get the last of it. Returns the wanted nodes with their hosts.
 */
export async function reserveNodes(db: Knex, asked: Reservation): Promise<{ node: NodeRef; hostId: string }[]> {
  const { clusterId, wanted } = asked;
  return transact(db, async (trx) => {
    const cluster = await holdCluster(trx, clusterId);
    // One reservation at a time per zone: the last room of a host is then refused only when no other host has any.
    await trx('host').where({ data_center_id: cluster.zone_id }).orderBy('id').forUpdate().select('uuid');
    const present = await readNodes(trx, clusterId);
    const isPresent = (ref: NodeRef) =>
      present.some((node) => sameNode(ref, { role: node.role, index: node.role_index }));
    const missing = wanted.filter((ref) => !isPresent(ref));
    if (missing.length > 0) await addNodes(trx, cluster, missing, asked);
    return (await readNodes(trx, clusterId))
      .map(({ role, role_index, host_id }) => ({ node: { role, index: role_index }, hostId: host_id ?? '' }))
      .filter(({ node }) => wanted.some((ref) => sameNode(ref, node)));
  });
}

async function addNodes(
  trx: Knex.Transaction,
  cluster: ClusterRow,
  missing: readonly NodeRef[],
  { userId, rootId, offerings: asked = {}, replaces }: Reservation,
): Promise<void> {
  const network = await trx<NetworkRow>('networks')
    .where({ uuid: cluster.network_id ?? '' })
    .first();
  const zone = await trx<ZoneRow>('data_center').where({ uuid: cluster.zone_id }).first();
  if (!network || !zone) throw fault('Internal', `cluster ${cluster.name} lacks its network or zone row`);
  const own = await readRoleOfferings(trx, cluster);
  const sizeOf = (role: NodeRoleName): OfferingSize => {
    const size = asked[role] ?? own[role];
    if (!size) throw fault('Internal', `cluster ${cluster.name} has no offering for its ${role} nodes`);
    return size;
  };
  const templates = new Map<NodeRoleName, TemplateRow>();
  for (const role of new Set(missing.map(({ role }) => role)))
    templates.set(role, await templateOf(trx, cluster, role));

  const placed = place(
    await readHostRooms(trx, {
      zoneId: cluster.zone_id, clusterId: cluster.uuid, accountId: cluster.account_id, domainId: cluster.domain_id,
    }), // prettier-ignore
    {
      arch: templates.values().next().value?.arch ?? '',
      ...(cluster.hypervisor !== null && { hypervisor: cluster.hypervisor }),
      machines: missing.map(({ role }) => {
        const { cpus, ramMb, hostTags = [] } = sizeOf(role);
        return { role, cpus, ramMb, hostTags, arch: templates.get(role)?.arch ?? '' };
      }),
    },
  );
  if ('missing' in placed) throw fault('CapacityExhausted', placed.missing);

  const addresses = freeAddresses(network, await takenAddresses(trx, network.uuid));
  const prefix = nodePrefix(cluster.name, cluster.uuid);
  for (const [i, { role, index }] of missing.entries()) {
    const size = sizeOf(role);
    const hostId = placed.hosts[i]!;
    const address = addresses.next().value;
    if (address === undefined)
      throw fault(
        'AddressesExhausted',
        `network ${network.name} (${network.cidr}) has no free address for ${role}-${index}`,
      );
    const uuid = randomUUID();
    const name = nodeName(prefix, role, randomBytes(6).toString('hex').slice(1), index);
    await trx('guest_address').insert({ network_id: network.uuid, ip4_address: address, vm_id: uuid });
    await takeRoom(trx, hostId, uuid, size, nodeLabel({ role, index }));
    await trx('vm_instance').insert({
      uuid, name, instance_name: `i-${uuid}`, display_name: name, data_center_id: cluster.zone_id, host_id: hostId, service_offering_id: size.id,
      template_id: templates.get(role)!.uuid, account_id: cluster.account_id, domain_id: cluster.domain_id, user_id: userId, state: 'Starting', vm_type: 'cksnode',
      hypervisor_type: zone.hypervisor, network_id: network.uuid, ip_address: address, mac_address: macOf(network.network_number, address),
      root_disk_gb: cluster.node_root_disk_size, keypair: cluster.key_pair, max_cpus: size.cpus * HEADROOM, max_ram_mb: size.ramMb * HEADROOM, created: now(trx),
    }); // prettier-ignore
    await trx('kubernetes_cluster_vm_map').insert({
      cluster_id: cluster.uuid, vm_id: uuid, role, role_index: index, control_node: role === 'control' ? 1 : 0, etcd_node: role === 'etcd' ? 1 : 0,
      external_node: 0, manual_upgrade: role === 'etcd' ? 1 : 0, kubernetes_node_version: null, phase: 'reserved', added_by: rootId, replaces: replaces ?? null,
    }); // prettier-ignore
  }
}

async function templateOf(trx: Knex.Transaction, cluster: ClusterRow, role: NodeRoleName): Promise<TemplateRow> {
  const own = { control: cluster.control_node_template_id, worker: cluster.worker_node_template_id, etcd: cluster.etcd_node_template_id }[role]; // prettier-ignore
  const template = await trx<TemplateRow>('vm_template')
    .where({ uuid: own ?? cluster.template_id ?? '' })
    .first();
  if (!template) throw fault('Internal', `cluster ${cluster.name} has no template for its ${role} nodes`);
  return template;
}

const takenAddresses = async (trx: Knex.Transaction, networkId: string): Promise<Set<string>> =>
  new Set(
    (await trx('guest_address').where({ network_id: networkId }).select<{ ip4_address: string }[]>('ip4_address')).map(
      (row) => row.ip4_address,
    ),
  );

/** Addresses that machines of a network may still have: of a shared one those of its range only. */
export function* freeAddresses(
  { cidr, start_ip, end_ip }: Pick<NetworkRow, 'cidr' | 'start_ip' | 'end_ip'>,
  taken: ReadonlySet<string>,
): Generator<string, undefined> {
  const all =
    start_ip === null || end_ip === null
      ? nodeAddresses(cidr)
      : addressesOf({ start: toNumber(start_ip), end: toNumber(end_ip) });
  for (const address of all) if (!taken.has(address)) yield address;
  return undefined;
}

/** Takes room on a host for a machine; throws `CapacityExhausted` when another took it meanwhile. */
export async function takeRoom(
  trx: Knex.Transaction,
  hostId: string,
  vmId: string,
  size: Pick<OfferingSize, 'cpus' | 'ramMb'>,
  label: string,
): Promise<void> {
  const got = await trx('host')
    .where({ uuid: hostId })
    .whereRaw(...hasRoomFor(await readFactors(trx), size.cpus, size.ramMb))
    .update({
      cpus_used: trx.raw('cpus_used + ?', [size.cpus]),
      ram_mb_used: trx.raw('ram_mb_used + ?', [size.ramMb]),
    });
  if (got !== 1)
    throw fault('CapacityExhausted', `the last room of a host was taken while ${label} was being placed: try again`);
  await trx('host_reservation').insert({ host_id: hostId, vm_id: vmId, cpus: size.cpus, ram_mb: size.ramMb });
}

/** Gives back what a machine held on its host. Twice is once. */
export async function returnRoom(trx: Knex.Transaction, vmId: string): Promise<void> {
  const held = await trx('host_reservation')
    .where({ vm_id: vmId })
    .first<{ host_id: string; cpus: number; ram_mb: number } | undefined>();
  if (!held) return;
  await trx('host')
    .where({ uuid: held.host_id })
    .update({
      cpus_used: trx.raw('cpus_used - ?', [held.cpus]),
      ram_mb_used: trx.raw('ram_mb_used - ?', [held.ram_mb]),
    });
  await trx('host_reservation').where({ vm_id: vmId }).delete();
}

/**
 * Frees rows, addresses and room of nodes whose machines are confirmed gone or never came to a host; all of them, or those of
 * `only`. A user's own machine is let go. Returns the names of those that remain.
 */
export async function releaseNodes(db: Knex, clusterId: string, only?: readonly NodeRef[]): Promise<string[]> {
  return transact(db, async (trx) => {
    const nodes = (await readNodes(trx, clusterId)).filter(
      ({ role, role_index }) => !only || only.some((ref) => sameNode(ref, { role, index: role_index })),
    );
    const remain: string[] = [];
    for (const node of nodes) {
      if (node.external_node === 1) await letGo(trx, node);
      else if (node.state !== 'Expunging' && node.phase !== 'reserved') remain.push(node.name);
      else await releaseMachine(trx, node);
    }
    return remain;
  });
}

/** A user's machine is no node any more; the machine itself stays as it is. */
async function letGo(trx: Knex.Transaction, node: NodeRow): Promise<void> {
  await trx('kubernetes_cluster_vm_map').where({ vm_id: node.vm_id }).delete();
}

/** Everything that a machine which is gone held. */
export async function releaseMachine(trx: Knex.Transaction, { vm_id }: Pick<NodeRow, 'vm_id'>): Promise<void> {
  await trx('guest_address').where({ vm_id }).delete();
  await returnRoom(trx, vm_id);
  await trx('kubernetes_cluster_vm_map').where({ vm_id }).delete();
  await trx('secret')
    .where({ owner: `vm/${vm_id}` })
    .delete();
  await trx('vm_instance')
    .where({ uuid: vm_id })
    .update({ state: 'Expunging', removed: now(trx), update_time: now(trx) });
}

/** Takes a node out of its cluster although its host cannot be asked: its machine is removed when the host is back. */
export const abandonNode = (db: Knex, vmId: string): Promise<void> =>
  transact(db, async (trx) => {
    await trx('kubernetes_cluster_vm_map').where({ vm_id: vmId }).delete();
    await trx('vm_instance')
      .where({ uuid: vmId })
      .whereNot({ state: 'Expunging' })
      .update({ state: 'Destroyed', update_time: now(trx) });
  });

/** Counts and sums of a cluster as its nodes' rows have them (`behaviour.md` §4.10): facts, never arithmetic on old counts. */
export const recordCounts = (db: Knex, clusterId: string): Promise<void> =>
  transact(db, async (trx) => {
    await holdCluster(trx, clusterId);
    const nodes = await readNodes(trx, clusterId);
    const sizes = await trx('service_offering')
      .whereIn(
        'uuid',
        nodes.map(({ service_offering_id }) => service_offering_id),
      )
      .select<{ uuid: string; cpu: number; ram_size: number }[]>('uuid', 'cpu', 'ram_size');
    const sum = (column: 'cpu' | 'ram_size') =>
      nodes.reduce(
        (total, node) => total + (sizes.find(({ uuid }) => uuid === node.service_offering_id)?.[column] ?? 0),
        0,
      );
    const count = (role: string) => nodes.filter((node) => node.role === role).length;
    await trx('kubernetes_cluster')
      .where({ uuid: clusterId })
      .update({
        control_node_count: count('control'),
        node_count: count('worker'),
        etcd_node_count: count('etcd'),
        cores: sum('cpu'),
        memory: sum('ram_size'),
      });
  });
