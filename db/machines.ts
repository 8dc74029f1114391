import type { Db } from './knex.js';
import { containsText, readPage, sameText, whereGiven, type Listed, type Page, type Query } from './matching.js';
import { joinOwner, OWNER_COLUMNS, whereOwned, type OwnerColumns, type Owners } from './owners.js';
import type { VmMapRow, VmRow } from './rows.js';

/** A machine with everything its view shows, from one query. */
export interface MachineRow extends VmRow, OwnerColumns {
  username: string | null;
  zone_name: string;
  host_name: string | null;
  host_status: string | null;
  offering_name: string | null;
  cpu: number | null;
  speed: number | null;
  ram_size: number | null;
  template_name: string | null;
  template_text: string | null;
  template_format: string | null;
  arch: string | null;
  network_name: string | null;
  network_type: string | null;
  netmask: string | null;
  gateway: string | null;
  cluster_id: string | null;
  role: VmMapRow['role'] | null;
  etcd_node: number | null;
  external_node: number | null;
  kubernetes_node_version: string | null;
  user_data_name: string | null;
  /** The job of the change that holds the machine. */
  job_id: string | null;
}

const COLUMNS = [
  'v.*', 'u.username', 'z.name as zone_name', 'h.name as host_name', 'h.status as host_status', 'o.name as offering_name', 'o.cpu', 'o.speed', 'o.ram_size',
  't.name as template_name', 't.display_text as template_text', 't.format as template_format', 't.arch', 'n.name as network_name', 'n.guest_type as network_type',
  'n.netmask', 'n.gateway', 'm.cluster_id', 'm.role', 'm.etcd_node', 'm.external_node', 'm.kubernetes_node_version', 'ud.name as user_data_name', 'mc.job_id', ...OWNER_COLUMNS,
]; // prettier-ignore

const machines = (db: Db): Query =>
  joinOwner(db('vm_instance as v'), 'v.account_id')
    .join('data_center as z', 'z.uuid', 'v.data_center_id')
    .leftJoin('user as u', 'u.uuid', 'v.user_id')
    .leftJoin('host as h', 'h.uuid', 'v.host_id')
    .leftJoin('service_offering as o', 'o.uuid', 'v.service_offering_id')
    .leftJoin('vm_template as t', 't.uuid', 'v.template_id')
    .leftJoin('networks as n', 'n.uuid', 'v.network_id')
    .leftJoin('kubernetes_cluster_vm_map as m', 'm.vm_id', 'v.uuid')
    .leftJoin('user_data as ud', 'ud.uuid', 'v.user_data_id')
    .leftJoin('machine_change as mc', 'mc.active_vm_id', 'v.uuid');

/** The machines of many clusters in one query, by cluster, in order of joining it. */
export async function machinesOfClusters(db: Db, clusterIds: readonly string[]): Promise<Map<string, MachineRow[]>> {
  const byCluster = new Map<string, MachineRow[]>(clusterIds.map((id) => [id, []]));
  if (clusterIds.length === 0) return byCluster;
  const rows = (await machines(db)
    .whereNull('v.removed')
    .whereIn('m.cluster_id', [...clusterIds])
    .select(COLUMNS)
    .orderBy('m.id')) as MachineRow[];
  for (const row of rows) byCluster.get(row.cluster_id ?? '')?.push(row);
  return byCluster;
}

/** One machine for a view, removed or not. */
export const readMachineForView = (db: Db, uuid: string): Promise<MachineRow | undefined> =>
  Promise.resolve(machines(db).where('v.uuid', uuid).first(COLUMNS) as PromiseLike<MachineRow | undefined>);

export interface MachineFilter {
  affinitygroupid?: string;
  id?: string;
  ids?: readonly string[];
  name?: string;
  keyword?: string;
  state?: string;
  zoneid?: string;
  networkid?: string;
  hostid?: string;
  templateid?: string;
  serviceofferingid?: string;
  hypervisor?: string;
  keypair?: string;
  userid?: string;
  arch?: string;
  owners: Owners;
}

export async function listMachines(db: Db, filter: MachineFilter, page: Page): Promise<Listed<MachineRow>> {
  const query = whereOwned(machines(db).whereNull('v.removed'), filter.owners);
  whereGiven(query, {
    'v.uuid': filter.id,
    'v.data_center_id': filter.zoneid,
    'v.network_id': filter.networkid,
    'v.host_id': filter.hostid,
    'v.template_id': filter.templateid,
    'v.service_offering_id': filter.serviceofferingid,
    'v.user_id': filter.userid,
    'v.keypair': filter.keypair,
    't.arch': filter.arch,
  });
  if (filter.affinitygroupid !== undefined)
    void query.whereIn(
      'v.uuid',
      db('affinity_group_vm_map').where({ affinity_group_id: filter.affinitygroupid }).select('vm_id'),
    );
  if (filter.ids?.length) void query.whereIn('v.uuid', [...filter.ids]);
  if (filter.name !== undefined) sameText(db, query, 'v.name', filter.name);
  if (filter.state !== undefined) sameText(db, query, 'v.state', filter.state);
  if (filter.hypervisor !== undefined) sameText(db, query, 'v.hypervisor_type', filter.hypervisor);
  if (filter.keyword) containsText(query, 'v.name', filter.keyword);
  return readPage(query, COLUMNS, 'v.id', page);
}
