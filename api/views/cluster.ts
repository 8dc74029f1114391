import { groupsOfClusters, type ClusterGroup } from '../../db/affinity.js';
import { componentsOfClusters, type Component } from '../../db/clusters.js';
import { readClusterForView, type ClusterListRow } from '../../db/clusters-list.js';
import { machinesOfClusters, type MachineRow } from '../../db/machines.js';
import type { Db } from '../../db/knex.js';
import { fault } from '../../workflows/model/fault.js';
import { quorumWarnings } from '../../workflows/model/quorum.js';
import { fields, responseObject, type Fields } from '../command.js';
import { wireDate } from '../wire/dates.js';
import { NODE_MACHINE, nodeView } from './machine.js';
import { OWNER_FIELDS, ownerView } from './owner.js';

const COMPONENT_FIELDS = fields({
  name: [
    'string',
    'dashboard, provider (the cloud controller), cloud-secret (its credentials), csi, cni or autoscaler',
  ],
  state: ['string', 'applied, absent (the medium has none), removed, or failed'],
  reason: ['string', 'why it failed'],
});

export const CLUSTER = responseObject('kubernetescluster', {
  id: ['string', 'the id of the Kubernetes cluster'],
  name: ['string', 'the name of the Kubernetes cluster'],
  description: ['string', 'the description of the Kubernetes cluster'],
  zoneid: ['string', 'the id of its zone'],
  zonename: ['string', 'the name of its zone'],
  state: ['string', 'the state of the Kubernetes cluster'],
  clustertype: ['clustertype', 'CloudManaged or ExternalManaged'],
  size: ['long', 'the number of worker nodes'],
  controlnodes: ['long', 'the number of control nodes'],
  masternodes: ['long', 'the number of control nodes; deprecated'],
  etcdnodes: ['long', 'the number of dedicated etcd nodes'],
  cpunumber: ['string', 'the CPUs of all nodes'],
  memory: ['string', 'the memory of all nodes in MB'],
  endpoint: ['string', "URL of the cluster's API; empty until it answers"],
  consoleendpoint: ['string', "URL of the cluster's console; never set"],
  autoscalingenabled: ['boolean', 'whether autoscaling is on'],
  csienabled: ['boolean', 'whether the CSI driver is installed'],
  hasannotations: ['boolean', 'true if the cluster has comments'],
  created: ['date', 'the date when this Kubernetes cluster was created'],
  virtualmachines: ['list', 'its nodes', NODE_MACHINE],
  ...OWNER_FIELDS,
  serviceofferingid: ['string', 'the id of the default offering'],
  serviceofferingname: ['string', 'the name of the default offering'],
  workerofferingid: ['string', 'the id of the offering of worker nodes'],
  workerofferingname: ['string', 'the name of the offering of worker nodes'],
  controlofferingid: ['string', 'the id of the offering of control nodes'],
  controlofferingname: ['string', 'the name of the offering of control nodes'],
  etcdofferingid: ['string', 'the id of the offering of etcd nodes'],
  etcdofferingname: ['string', 'the name of the offering of etcd nodes'],
  templateid: ['string', 'the id of the node template'],
  templatename: ['string', 'the name of the node template'],
  networkid: ['string', 'the id of its network'],
  associatednetworkname: ['string', 'the name of its network'],
  ipaddress: ['string', 'public IP address of the cluster'],
  ipaddressid: ['string', 'the id of the public IP address of the cluster'],
  kubernetesversionid: ['string', 'the id of the Kubernetes version'],
  kubernetesversionname: ['string', 'the name of the Kubernetes version'],
  keypair: ['string', 'name of the SSH key pair'],
  etcdips: ['map', 'public IP id and address of the etcd nodes'],
  controlaffinitygroupids: ['string', 'the ids of the affinity groups of control nodes, separated by commas'],
  controlaffinitygroupnames: ['string', 'the names of the affinity groups of control nodes'],
  workeraffinitygroupids: ['string', 'the ids of the affinity groups of worker nodes'],
  workeraffinitygroupnames: ['string', 'the names of the affinity groups of worker nodes'],
  etcdaffinitygroupids: ['string', 'the ids of the affinity groups of etcd nodes'],
  etcdaffinitygroupnames: ['string', 'the names of the affinity groups of etcd nodes'],
  minsize: ['long', 'minimum size of autoscaling'],
  maxsize: ['long', 'maximum size of autoscaling'],
  reason: ['string', 'why the cluster is in its state, in words; an extension'],
  warnings: ['list', 'what is not as it should be though it works; an extension'],
  components: [
    'list',
    'what runs in the cluster besides its nodes, each with a health of its own; an extension',
    COMPONENT_FIELDS,
  ],
  operation: ['string', 'the operation that works on the cluster now; an extension'],
  operationid: ['string', 'the id of that operation; an extension'],
});

/** Isolated networks only: shared and routed ones have no address of their own. */
const addressOf = (row: ClusterListRow): Fields =>
  row.address !== null && row.network_type === 'Isolated'
    ? { ipaddress: row.address, ipaddressid: row.address_id }
    : {};

function etcdAddresses(row: ClusterListRow, machines: readonly MachineRow[]): Fields | undefined {
  if (machines.length === 0) return undefined;
  const etcd = machines.filter((machine) => machine.etcd_node === 1 && machine.ip_address !== null);
  return Object.fromEntries(etcd.map((machine) => [row.address_id ?? machine.uuid, machine.ip_address]));
}

const given = (id: string | null, name: string | null, prefix: string): Fields =>
  id !== null && name !== null ? { [`${prefix}id`]: id, [`${prefix}name`]: name } : {};

const STANDING = ['applied', 'absent', 'removed'];

function warningsOf(row: ClusterListRow, components: readonly Component[]): Fields {
  const failed = components.filter(({ health }) => !STANDING.includes(health));
  const warnings = [
    ...quorumWarnings({ controls: row.control_node_count, etcd: row.etcd_node_count }),
    ...failed.map(({ name, health }) => `The component ${name} is not in order: ${health}`),
  ];
  return warnings.length > 0 ? { warnings } : {};
}

const componentView = ({ name, health }: Component): Fields =>
  STANDING.includes(health) ? { name, state: health } : { name, state: 'failed', reason: health };

/** Ids and names per role, only where there are any. */
function affinityFields(groups: readonly ClusterGroup[]): Fields {
  const fields: Record<string, string> = {};
  for (const { role, id, name } of groups)
    for (const [suffix, value] of [
      ['ids', id],
      ['names', name],
    ] as const) {
      // prettier-ignore
      const field = `${role}affinitygroup${suffix}`;
      fields[field] = fields[field] === undefined ? value : `${fields[field]},${value}`;
    }
  return fields;
}

export function clusterView(
  row: ClusterListRow,
  machines: readonly MachineRow[],
  groups: readonly ClusterGroup[],
  components: readonly Component[],
  admin: boolean,
): Fields {
  const managed = row.cluster_type === 'CloudManaged';
  return {
    id: row.uuid,
    name: row.name,
    description: row.description || row.name,
    zoneid: row.zone_id,
    zonename: row.zone_name,
    state: row.state,
    clustertype: row.cluster_type,
    size: row.node_count,
    controlnodes: row.control_node_count,
    masternodes: row.control_node_count,
    etcdnodes: row.etcd_node_count,
    cpunumber: String(row.cores),
    memory: String(row.memory),
    endpoint: row.endpoint,
    autoscalingenabled: row.autoscaling_enabled === 1,
    csienabled: row.csi_enabled === 1,
    hasannotations: false,
    created: wireDate(row.created),
    virtualmachines: machines.map((machine) => nodeView(machine, managed, admin)),
    ...ownerView(row),
    ...given(row.service_offering_id, row.offering_name, 'serviceoffering'),
    ...given(row.worker_node_service_offering_id, row.worker_offering_name, 'workeroffering'),
    ...given(row.control_node_service_offering_id, row.control_offering_name, 'controloffering'),
    ...given(row.etcd_node_service_offering_id, row.etcd_offering_name, 'etcdoffering'),
    ...(managed && given(row.template_id, row.template_name, 'template')),
    networkid: row.network_id,
    associatednetworkname: row.network_name,
    ...addressOf(row),
    ...given(row.kubernetes_version_id, row.version_name, 'kubernetesversion'),
    keypair: row.key_pair,
    etcdips: etcdAddresses(row, machines),
    ...affinityFields(groups),
    minsize: row.minsize,
    maxsize: row.maxsize,
    reason: row.reason,
    ...(managed && warningsOf(row, components)),
    ...(components.length > 0 && { components: components.map(componentView) }),
    operation: row.operation_kind,
    operationid: row.operation_id,
  };
}

/** The views of many clusters: one more query each for all their machines, groups and components, never one per row. */
export async function clusterViews(db: Db, rows: readonly ClusterListRow[], admin: boolean): Promise<Fields[]> {
  const ids = rows.map(({ uuid }) => uuid);
  const [machines, groups] = [await machinesOfClusters(db, ids), await groupsOfClusters(db, ids)];
  const components = await componentsOfClusters(db, ids);
  return rows.map((row) =>
    clusterView(row, machines.get(row.uuid) ?? [], groups.get(row.uuid) ?? [], components.get(row.uuid) ?? [], admin),
  );
}

/** One cluster's view, also of a removed one. */
export async function renderCluster(db: Db, uuid: string, admin: boolean): Promise<Fields> {
  const row = await readClusterForView(db, uuid);
  if (!row) throw fault('Internal', `there is no cluster ${uuid} to show`);
  const [view] = await clusterViews(db, [row], admin);
  return view ?? {};
}
