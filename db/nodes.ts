import { randomBytes, randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { macOf, nodeAddresses } from '../workflows/model/addresses.js';
import { fault } from '../workflows/model/fault.js';
import { nodeName, nodePrefix } from '../workflows/model/names.js';
import type { NodeFacts, NodeRef } from '../workflows/model/operation.js';
import { place, type HostRoom } from '../workflows/model/placement.js';
import { holdCluster, mustReadCluster } from './clusters.js';
import { now, transact, type Db } from './knex.js';
import { NODE_PHASES } from './rows.js';
import type {
  ClusterRow, HostRow, NetworkRow, NodePhase, PublicAddressRow, ServiceOfferingRow, TemplateRow, VmMapRow, VmRow, VersionRow, ZoneRow,
} from './rows.js'; // prettier-ignore

export type NodeRow = VmMapRow &
  Pick<VmRow, 'uuid' | 'name' | 'instance_name' | 'host_id' | 'state' | 'ip_address' | 'ssh_host_key'>;

/** The nodes of a cluster, control nodes first, each role in order. */
export async function readNodes(db: Db, clusterId: string): Promise<NodeRow[]> {
  const rows = await db('kubernetes_cluster_vm_map as m')
    .join('vm_instance as v', 'v.uuid', 'm.vm_id')
    .where('m.cluster_id', clusterId)
    .orderBy([{ column: 'm.id' }])
    .select<NodeRow[]>(
      'm.*',
      'v.uuid',
      'v.name',
      'v.instance_name',
      'v.host_id',
      'v.state',
      'v.ip_address',
      'v.ssh_host_key',
    );
  return rows;
}

export const readNodeFacts = async (db: Db, clusterId: string): Promise<NodeFacts[]> =>
  (await readNodes(db, clusterId)).flatMap(({ role, role_index, host_id, phase }) =>
    role === 'etcd' ? [] : [{ role, index: role_index, hostId: host_id, phase }],
  );

/** Everything that acting on one node needs. */
export interface NodeContext {
  cluster: ClusterRow;
  node: NodeRow;
  vm: VmRow;
  host: HostRow;
  zone: ZoneRow;
  network: NetworkRow;
  publicAddress: PublicAddressRow | undefined;
  version: VersionRow | undefined;
  iso: TemplateRow | undefined;
  template: TemplateRow;
  offering: ServiceOfferingRow;
}

/** Undefined when the node was released already. */
export async function readNodeContext(db: Db, clusterId: string, ref: NodeRef): Promise<NodeContext | undefined> {
  const cluster = await mustReadCluster(db, clusterId);
  const map = await db<VmMapRow>('kubernetes_cluster_vm_map')
    .where({ cluster_id: clusterId, role: ref.role, role_index: ref.index })
    .first();
  if (!map) return undefined;
  const one = async <T extends object>(table: string, uuid: string | null) =>
    uuid === null ? undefined : ((await db(table).where({ uuid }).first()) as T | undefined);
  const must = async <T extends object>(table: string, uuid: string | null) => {
    const row = await one<T>(table, uuid);
    if (!row) throw fault('Internal', `the ${table} ${uuid} of ${ref.role}-${ref.index} is missing`);
    return row;
  };
  const vm = await must<VmRow>('vm_instance', map.vm_id);
  const version = await one<VersionRow>('kubernetes_supported_version', cluster.kubernetes_version_id);
  return {
    cluster,
    vm,
    node: {
      ...map,
      uuid: vm.uuid,
      name: vm.name,
      instance_name: vm.instance_name,
      host_id: vm.host_id,
      state: vm.state,
      ip_address: vm.ip_address,
      ssh_host_key: vm.ssh_host_key,
    },
    host: await must<HostRow>('host', vm.host_id),
    zone: await must<ZoneRow>('data_center', cluster.zone_id),
    network: await must<NetworkRow>('networks', vm.network_id),
    publicAddress: await db<PublicAddressRow>('user_ip_address')
      .where({ network_id: vm.network_id, source_nat: 1 })
      .first(),
    version,
    iso: await one<TemplateRow>('vm_template', version?.iso_id ?? null),
    template: await must<TemplateRow>('vm_template', vm.template_id),
    offering: await must<ServiceOfferingRow>('service_offering', vm.service_offering_id),
  };
}

/** Hosts of a zone with what is left of them. */
export async function readHostRooms(db: Db, zoneId: string, clusterId?: string): Promise<HostRoom[]> {
  const hosts = await db<HostRow>('host').where({ data_center_id: zoneId }).whereNull('removed').orderBy('id');
  const controls = clusterId
    ? await db('kubernetes_cluster_vm_map as m')
        .join('vm_instance as v', 'v.uuid', 'm.vm_id')
        .where({ 'm.cluster_id': clusterId, 'm.control_node': 1 })
        .select<{ host_id: string }[]>('v.host_id')
    : [];
  return hosts.map((host) => ({
    id: host.uuid,
    name: host.name,
    hypervisor: host.hypervisor_type,
    arch: host.arch,
    enabled: host.resource_state === 'Enabled' && host.status === 'Up',
    freeCpus: host.cpus - host.cpus_used,
    freeRamMb: host.ram_mb - host.ram_mb_used,
    controls: controls.filter(({ host_id }) => host_id === host.uuid).length,
  }));
}

/**
 * Rows, addresses, names and places of all nodes that the cluster should have and has not, in one transaction: a host's room is
 * taken by a conditional update, so that two operations cannot both get the last of it. Returns every node with its host.
 */
export async function reserveNodes(
  db: Knex,
  clusterId: string,
  userId: string,
): Promise<{ node: NodeRef; hostId: string }[]> {
  return transact(db, async (trx) => {
    const cluster = await holdCluster(trx, clusterId);
    // One reservation at a time per zone: the last room of a host is then refused only when no other host has any.
    await trx('host').where({ data_center_id: cluster.zone_id }).orderBy('id').forUpdate().select('uuid');
    const present = await readNodes(trx, clusterId);
    const network = await trx<NetworkRow>('networks')
      .where({ uuid: cluster.network_id ?? '' })
      .first();
    const zone = await trx<ZoneRow>('data_center').where({ uuid: cluster.zone_id }).first();
    const template = await trx<TemplateRow>('vm_template')
      .where({ uuid: cluster.template_id ?? '' })
      .first();
    if (!network || !zone || !template)
      throw fault('Internal', `cluster ${cluster.name} lacks its network, zone or template row`);
    const wanted: NodeRef[] = [
      ...Array.from({ length: cluster.control_node_count }, (_, i) => ({ role: 'control' as const, index: i + 1 })),
      ...Array.from({ length: cluster.node_count }, (_, i) => ({ role: 'worker' as const, index: i + 1 })),
    ].filter(({ role, index }) => !present.some((node) => node.role === role && node.role_index === index));
    const offerings = new Map<string, ServiceOfferingRow>();
    const offeringOf = (role: NodeRef['role']) =>
      (role === 'control' ? cluster.control_node_service_offering_id : cluster.worker_node_service_offering_id) ??
      cluster.service_offering_id ??
      '';
    for (const { role } of wanted) {
      const id = offeringOf(role);
      const row = offerings.get(id) ?? (await trx<ServiceOfferingRow>('service_offering').where({ uuid: id }).first());
      if (!row) throw fault('Internal', `cluster ${cluster.name} has no offering for its ${role} nodes`);
      offerings.set(id, row);
    }
    const placed = place(await readHostRooms(trx, cluster.zone_id, clusterId), {
      arch: template.arch,
      machines: wanted.map(({ role }) => ({
        role,
        cpus: offerings.get(offeringOf(role))!.cpu,
        ramMb: offerings.get(offeringOf(role))!.ram_size,
      })),
    });
    if ('missing' in placed) throw fault('CapacityExhausted', placed.missing);
    const taken = new Set(
      (
        await trx('guest_address').where({ network_id: network.uuid }).select<{ ip4_address: string }[]>('ip4_address')
      ).map((row) => row.ip4_address),
    );
    const free = nodeAddresses(network.cidr);
    const prefix = nodePrefix(cluster.name, cluster.uuid);
    for (const [i, { role, index }] of wanted.entries()) {
      const offering = offerings.get(offeringOf(role))!;
      const hostId = placed.hosts[i]!;
      let address = free.next().value;
      while (address !== undefined && taken.has(address)) address = free.next().value;
      if (address === undefined)
        throw fault(
          'AddressesExhausted',
          `network ${network.name} (${network.cidr}) has no free address for ${role}-${index}`,
        );
      const uuid = randomUUID();
      const name = nodeName(prefix, role, randomBytes(6).toString('hex').slice(1));
      await trx('guest_address').insert({ network_id: network.uuid, ip4_address: address, vm_id: uuid });
      const got = await trx('host')
        .where({ uuid: hostId })
        .whereRaw('cpus_used + ? <= cpus AND ram_mb_used + ? <= ram_mb', [offering.cpu, offering.ram_size])
        .update({
          cpus_used: trx.raw('cpus_used + ?', [offering.cpu]),
          ram_mb_used: trx.raw('ram_mb_used + ?', [offering.ram_size]),
        });
      if (got !== 1)
        throw fault(
          'CapacityExhausted',
          `the last room of a host was taken while ${role}-${index} was being placed: try again`,
        );
      await trx('host_reservation').insert({
        host_id: hostId,
        vm_id: uuid,
        cpus: offering.cpu,
        ram_mb: offering.ram_size,
      });
      await trx('vm_instance').insert({
        uuid, name, instance_name: `i-${uuid}`, display_name: name, data_center_id: cluster.zone_id, host_id: hostId, service_offering_id: offering.uuid,
        template_id: template.uuid, account_id: cluster.account_id, domain_id: cluster.domain_id, user_id: userId, state: 'Starting', vm_type: 'cksnode',
        hypervisor_type: zone.hypervisor, network_id: network.uuid, ip_address: address, mac_address: macOf(network.network_number, address),
        root_disk_gb: cluster.node_root_disk_size, keypair: cluster.key_pair, created: now(trx),
      }); // prettier-ignore
      await trx('kubernetes_cluster_vm_map').insert({
        cluster_id: clusterId, vm_id: uuid, role, role_index: index, control_node: role === 'control' ? 1 : 0, etcd_node: 0, external_node: 0,
        manual_upgrade: 0, kubernetes_node_version: null, phase: 'reserved',
      }); // prettier-ignore
    }
    return (await readNodes(trx, clusterId)).map(({ role, role_index, host_id }) => ({
      node: { role: role as NodeRef['role'], index: role_index },
      hostId: host_id ?? '',
    }));
  });
}

/** Records how far a node has come; never back. Its machine's state follows. */
export async function advanceNode(
  db: Db,
  node: NodeRow,
  phase: NodePhase,
  more: Partial<VmRow> = {},
  map: Partial<VmMapRow> = {},
): Promise<void> {
  // The row decides, not what the caller saw before it worked: a worker that was cut off may come back late.
  const moved = await db('kubernetes_cluster_vm_map')
    .where({ vm_id: node.vm_id })
    .whereIn('phase', NODE_PHASES.slice(0, NODE_PHASES.indexOf(phase) + 1))
    .update({ phase, ...map });
  if (moved === 1) await follow(db, node, phase, more);
}

/** Takes a node back to a phase that a look at its host confirmed. */
export async function setBackNode(db: Db, node: NodeRow, phase: NodePhase): Promise<void> {
  await db('kubernetes_cluster_vm_map').where({ vm_id: node.vm_id }).update({ phase });
  await follow(db, node, phase, {});
}

/** The state of the machine follows from its phase. */
async function follow(db: Db, node: NodeRow, phase: NodePhase, more: Partial<VmRow>): Promise<void> {
  const state = phase === 'reserved' || phase === 'defined' ? 'Starting' : 'Running';
  await db('vm_instance')
    .where({ uuid: node.vm_id })
    .update({ state, update_time: now(db), ...more });
}

/** Marks a machine as confirmed gone from its host: only then are its address and room free (`releaseNodes`). */
export const markGone = (db: Db, vmId: string): Promise<unknown> =>
  Promise.resolve(
    db('vm_instance')
      .where({ uuid: vmId })
      .update({ state: 'Expunging', update_time: now(db) }),
  );

/** Frees rows, addresses and room of machines that are confirmed gone or never came to a host. Returns the names of those that remain. */
export async function releaseNodes(db: Knex, clusterId: string): Promise<string[]> {
  return transact(db, async (trx) => {
    const nodes = await readNodes(trx, clusterId);
    const remain: string[] = [];
    for (const node of nodes) {
      if (node.external_node === 0 && node.state !== 'Expunging' && node.phase !== 'reserved') {
        remain.push(node.name);
        continue;
      }
      await trx('guest_address').where({ vm_id: node.vm_id }).delete();
      const held = await trx('host_reservation')
        .where({ vm_id: node.vm_id })
        .first<{ host_id: string; cpus: number; ram_mb: number } | undefined>();
      if (held) {
        await trx('host')
          .where({ uuid: held.host_id })
          .update({
            cpus_used: trx.raw('cpus_used - ?', [held.cpus]),
            ram_mb_used: trx.raw('ram_mb_used - ?', [held.ram_mb]),
          });
        await trx('host_reservation').where({ vm_id: node.vm_id }).delete();
      }
      await trx('kubernetes_cluster_vm_map').where({ vm_id: node.vm_id }).delete();
      await trx('secret')
        .where({ owner: `vm/${node.vm_id}` })
        .delete();
      await trx('vm_instance')
        .where({ uuid: node.vm_id })
        .update({ state: 'Expunging', removed: now(trx), update_time: now(trx) });
    }
    return remain;
  });
}
