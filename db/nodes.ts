import { fault } from '../workflows/model/fault.js';
import type { NodeFacts, NodeRef } from '../workflows/model/operation.js';
import { readJoined } from './joined.js';
import { now, type Db } from './knex.js';
import { readFactors } from './overprovisioning.js';
import { NODE_PHASES } from './rows.js';
import type {
  ClusterRow, HostRow, NetworkRow, NodePhase, OperationRow, ServiceOfferingRow, TemplateRow, VmMapRow, VmRow, VersionRow, ZoneRow,
} from './rows.js'; // prettier-ignore

const OF_MACHINE = ['uuid', 'name', 'instance_name', 'host_id', 'state', 'ip_address', 'ssh_host_key', 'service_offering_id', 'max_cpus', 'max_ram_mb', 'managed'] as const; // prettier-ignore
export type NodeRow = VmMapRow & Pick<VmRow, (typeof OF_MACHINE)[number]> & { host_status: string | null };

/** The nodes of a cluster in the order in which they were added. */
export async function readNodes(db: Db, clusterId: string): Promise<NodeRow[]> {
  return db('kubernetes_cluster_vm_map as m')
    .join('vm_instance as v', 'v.uuid', 'm.vm_id')
    .leftJoin('host as h', 'h.uuid', 'v.host_id')
    .where('m.cluster_id', clusterId)
    .orderBy('m.id')
    .select<NodeRow[]>('m.*', ...OF_MACHINE.map((column) => `v.${column}`), 'h.status as host_status');
}

/** Every node that the cluster counts is in it, no other was left half-made, and all their machines run. */
export async function isWhole(
  db: Db,
  cluster: Pick<ClusterRow, 'uuid' | 'control_node_count' | 'node_count' | 'etcd_node_count'>,
): Promise<boolean> {
  const nodes = await readNodes(db, cluster.uuid);
  return (
    nodes.length === cluster.control_node_count + cluster.node_count + cluster.etcd_node_count &&
    nodes.every(
      ({ state, phase, host_status, managed }) =>
        (phase === 'joined' || phase === 'ready') && (managed === 0 || (state === 'Running' && host_status !== 'Down')),
    )
  );
}

/** The last attempt of another operation that left a node half-made, and that can still be resumed or cancelled. */
export async function leftHalfMadeBy(db: Db, clusterId: string, rootId?: string): Promise<OperationRow | undefined> {
  const halfMade = (await readNodes(db, clusterId)).filter(({ phase }) => phase !== 'joined' && phase !== 'ready');
  const roots = new Set(halfMade.map(({ added_by }) => added_by));
  for (const root of roots) {
    if (root === null || root === rootId) continue;
    const last = await db<OperationRow>('operation').where({ root_id: root }).orderBy('attempt', 'desc').first();
    if (last?.state === 'failed' && last.fault !== 'Superseded') return last;
  }
  return undefined;
}

/** What each machine of a cluster holds of its host, and what the host has left. */
async function readRooms(db: Db, clusterId: string): Promise<ReadonlyMap<string, NonNullable<NodeFacts['room']>>> {
  const factors = await readFactors(db);
  const rows = await db('kubernetes_cluster_vm_map as m')
    .join('host_reservation as r', 'r.vm_id', 'm.vm_id')
    .join('host as h', 'h.uuid', 'r.host_id')
    .where('m.cluster_id', clusterId)
    .select<(Pick<HostRow, 'cpus' | 'cpus_used' | 'ram_mb' | 'ram_mb_used'> & { vm_id: string; own_cpus: number; own_ram_mb: number })[]>(
      'r.vm_id', 'r.cpus as own_cpus', 'r.ram_mb as own_ram_mb', 'h.cpus', 'h.cpus_used', 'h.ram_mb', 'h.ram_mb_used',
    ); // prettier-ignore
  return new Map(
    rows.map((row) => [
      row.vm_id,
      {
        cpus: row.own_cpus,
        ramMb: row.own_ram_mb,
        freeCpus: row.cpus * factors.cpu - row.cpus_used,
        freeRamMb: row.ram_mb * factors.ram - row.ram_mb_used,
      },
    ]),
  );
}

/** `rootId`: the operation, by its first attempt, whose own nodes are told apart. */
export async function readNodeFacts(db: Db, clusterId: string, rootId?: string): Promise<NodeFacts[]> {
  const rooms = await readRooms(db, clusterId);
  return (await readNodes(db, clusterId)).map((node) => ({
    role: node.role,
    index: node.role_index,
    machineId: node.vm_id,
    name: node.name,
    hostId: node.host_id,
    phase: node.state === 'Expunging' ? 'gone' : node.phase,
    running: node.state === 'Running',
    hostUp: node.host_status !== 'Down',
    version: node.kubernetes_node_version,
    staged: node.staged_version,
    draining: node.draining !== 0,
    external: node.external_node === 1,
    manualUpgrade: node.manual_upgrade === 1,
    addedNow: rootId !== undefined && node.added_by === rootId,
    replaces: node.replaces,
    offeringId: node.service_offering_id,
    maxCpus: node.max_cpus ?? 0,
    maxRamMb: node.max_ram_mb ?? 0,
    ...(rooms.has(node.vm_id) && { room: rooms.get(node.vm_id)! }),
  }));
}

/** The row of one node. Throws when it is not there. */
export async function mustReadNode(db: Db, clusterId: string, { role, index }: NodeRef): Promise<NodeRow> {
  const found = (await readNodes(db, clusterId)).find((node) => node.role === role && node.role_index === index);
  if (!found) throw fault('Internal', `${role}-${index} has no machine`);
  return found;
}

/** Everything that acting on one node needs. */
export interface NodeContext {
  cluster: ClusterRow;
  node: NodeRow;
  vm: VmRow;
  host: HostRow;
  zone: ZoneRow;
  network: NetworkRow;
  version: VersionRow | undefined;
  iso: TemplateRow | undefined;
  template: TemplateRow;
  offering: ServiceOfferingRow;
}

const pick = (vm: VmRow) =>
  Object.fromEntries(OF_MACHINE.map((column) => [column, vm[column]])) as Pick<VmRow, (typeof OF_MACHINE)[number]>;

const CONTEXT = {
  cluster: 'kubernetes_cluster',
  map: 'kubernetes_cluster_vm_map',
  vm: 'vm_instance',
  host: 'host',
  zone: 'data_center',
  network: 'networks',
  version: 'kubernetes_supported_version',
  iso: 'vm_template',
  template: 'vm_template',
  offering: 'service_offering',
};
/** A node that comes while an upgrade is not finished is made with the version of the control plane. */
const AROUND_NODE = `kubernetes_cluster AS cluster
  LEFT JOIN kubernetes_cluster_vm_map AS map ON map.cluster_id = cluster.uuid AND map.role = ? AND map.role_index = ?
  LEFT JOIN vm_instance AS vm ON vm.uuid = map.vm_id
  LEFT JOIN host ON host.uuid = vm.host_id
  LEFT JOIN data_center AS zone ON zone.uuid = cluster.zone_id
  LEFT JOIN networks AS network ON network.uuid = vm.network_id
  LEFT JOIN kubernetes_supported_version AS version ON version.uuid = COALESCE(cluster.target_version_id, cluster.kubernetes_version_id)
  LEFT JOIN vm_template AS iso ON iso.uuid = version.iso_id
  LEFT JOIN vm_template AS template ON template.uuid = vm.template_id
  LEFT JOIN service_offering AS offering ON offering.uuid = vm.service_offering_id
  WHERE cluster.uuid = ?`;

/** Undefined when the node was released already. */
export async function readNodeContext(db: Db, clusterId: string, ref: NodeRef): Promise<NodeContext | undefined> {
  const found = await readJoined<Omit<NodeContext, 'node'> & { map: VmMapRow }>(db, CONTEXT, AROUND_NODE, [
    ref.role,
    ref.index,
    clusterId,
  ]);
  if (!found?.cluster) throw fault('Internal', `there is no cluster ${clusterId}`);
  const { cluster, map, vm, host, zone, network, version, iso, template, offering } = found;
  if (!map) return undefined;
  if (!vm || !host || !zone || !network || !template || !offering) {
    const missing = Object.entries({ vm, host, zone, network, template, offering }).flatMap(([name, row]) => row ? [] : [name]); // prettier-ignore
    throw fault('Internal', `${ref.role}-${ref.index} lacks rows: ${missing.join(', ')}`);
  }
  const node = { ...map, ...pick(vm), host_status: host.status };
  return { cluster, node, vm, host, zone, network, version, iso, template, offering };
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

/** Records that a node's machine was switched on or off; how far it has come stays. */
export const setPower = (
  db: Db,
  vmId: string,
  state: 'Running' | 'Stopped' | 'Stopping' | 'Starting',
): Promise<unknown> =>
  Promise.resolve(
    db('vm_instance')
      .where({ uuid: vmId })
      .whereNot({ state: 'Expunging' })
      .update({ state, update_time: now(db) }),
  );

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
