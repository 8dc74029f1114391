import { readDetails } from '../db/clusters.js';
import type { Db } from '../db/knex.js';
import type { ClusterRow, NetworkRow, PublicAddressRow, VmRow } from '../db/rows.js';
import { fault } from '../workflows/model/fault.js';

export const API_PORT = 6443;

/**
 * `address:6443` of a cluster's API server (`behaviour.md` §4.2): the public address of its network; on a shared network the balancer that the
 * user named, else its only control node. Throws `Internal` when there is none yet.
 */
export async function endpointOf(db: Db, cluster: Pick<ClusterRow, 'uuid' | 'name' | 'network_id'>): Promise<string> {
  const network = await db<NetworkRow>('networks')
    .where({ uuid: cluster.network_id ?? '' })
    .first();
  const address =
    network?.guest_type === 'Shared'
      ? await directAddress(db, cluster.uuid)
      : await publicAddress(db, cluster, network);
  if (!address) throw fault('Internal', `cluster ${cluster.name} has no address for its API server yet`);
  return `${address}:${API_PORT}`;
}

async function directAddress(db: Db, clusterId: string): Promise<string | null | undefined> {
  const balancer = (await readDetails(db, clusterId)).get('externalloadbalanceripaddress');
  if (balancer) return balancer;
  const control = await db('kubernetes_cluster_vm_map as m')
    .join('vm_instance as v', 'v.uuid', 'm.vm_id')
    .where({ 'm.cluster_id': clusterId, 'm.role': 'control' })
    .orderBy('m.id')
    .first<Pick<VmRow, 'ip_address'> | undefined>('v.ip_address');
  return control?.ip_address;
}

/** The cluster's own address in a VPC (detail `publicipid`), else the source NAT of its network. */
async function publicAddress(
  db: Db,
  cluster: Pick<ClusterRow, 'uuid'>,
  network: NetworkRow | undefined,
): Promise<string | undefined> {
  const own = (await readDetails(db, cluster.uuid)).get('publicipid');
  const row = await db<PublicAddressRow>('user_ip_address')
    .where(own ? { uuid: own } : { network_id: network?.uuid ?? '', source_nat: 1 })
    .first();
  return row?.public_ip_address;
}
