import {
  LIST_REVISION,
  type ClusterFacts,
  type OfferingSize,
  type OperationRequest,
  type VersionRef,
} from '../workflows/model/operation.js';
import { COMPONENT, readDetails } from './clusters.js';
import type { Db } from './knex.js';
import { readNodeFacts } from './nodes.js';
import { tagsOf } from './rooms.js';
import type { ClusterRow, NetworkRow, ServiceOfferingRow, VersionRow } from './rows.js';

/** What the list of an operation is built from; `rootId` names the operation, by its first attempt. */
export async function readClusterFacts(
  db: Db,
  cluster: ClusterRow,
  request: OperationRequest = {},
  rootId?: string,
): Promise<ClusterFacts> {
  const details = await readDetails(db, cluster.uuid);
  const network = await db<NetworkRow>('networks')
    .where({ uuid: cluster.network_id ?? '' })
    .first();
  const secrets = await db('secret')
    .where({ owner: `cluster/${cluster.uuid}` })
    .select<{ name: string }[]>('name');
  const has = (name: string) => secrets.some((secret) => secret.name === name);
  return {
    revision: LIST_REVISION,
    clusterId: cluster.uuid,
    clusterName: cluster.name,
    clusterType: cluster.cluster_type,
    state: cluster.state,
    controlCount: cluster.control_node_count,
    workerCount: cluster.node_count,
    etcdCount: cluster.etcd_node_count,
    nodes: await readNodeFacts(db, cluster.uuid, rootId),
    request,
    version: await readVersion(db, cluster.kubernetes_version_id),
    target: await readVersion(db, cluster.target_version_id),
    networkState: network && network.removed === null ? network.state : 'Destroy',
    networkOwned: details.get('networkCleanup') === 'true',
    networkShared: network?.guest_type === 'Shared',
    hasRules: (details.get('networkApplied') ?? 'false') !== 'false',
    hasVerifiedRules: details.get('networkApplied') === 'verified',
    hasKeys: has('ssh'),
    hasKubeconfig: has('kubeconfig'),
    hasProtection: details.get('controlNodesProtected') === 'true',
    autoscaling: cluster.autoscaling_enabled === 1,
    csi: cluster.csi_enabled === 1,
    registry: details.has('dockerregistryurl'),
    cniConfiguration: cluster.cni_config_id !== null,
    components: [...details].flatMap(([name, value]) =>
      name.startsWith(COMPONENT) && value === 'applied' ? [name.slice(COMPONENT.length)] : [],
    ),
  };
}

async function readVersion(db: Db, uuid: string | null): Promise<VersionRef | null> {
  if (uuid === null) return null;
  const row = await db<VersionRow>('kubernetes_supported_version').where({ uuid }).first();
  return row ? { id: row.uuid, semantic: row.semantic_version } : null;
}

export const sizeOf = (row: ServiceOfferingRow): OfferingSize => {
  const hostTags = tagsOf(row.host_tags);
  return {
    id: row.uuid,
    name: row.name,
    cpus: row.cpu,
    ramMb: row.ram_size,
    ...(hostTags.length > 0 && { hostTags }),
  };
};

/** The offering of each role: its own, else the cluster's default one (`behaviour.md` §7.3 12: never null for a role that has nodes). */
export async function readRoleOfferings(
  db: Db,
  cluster: ClusterRow,
): Promise<Record<'control' | 'worker' | 'etcd', OfferingSize | undefined>> {
  const ids = {
    control: cluster.control_node_service_offering_id ?? cluster.service_offering_id,
    worker: cluster.worker_node_service_offering_id ?? cluster.service_offering_id,
    etcd: cluster.etcd_node_service_offering_id ?? cluster.service_offering_id,
  };
  const rows = await db<ServiceOfferingRow>('service_offering').whereIn(
    'uuid',
    Object.values(ids).flatMap((id) => id ?? []),
  );
  const of = (id: string | null) => {
    const row = rows.find(({ uuid }) => uuid === id);
    return row && sizeOf(row);
  };
  return { control: of(ids.control), worker: of(ids.worker), etcd: of(ids.etcd) };
}
