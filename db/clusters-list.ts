import type { OperationKind } from '../workflows/model/states.js';
import type { Db } from './knex.js';
import { containsText, readPage, sameText, whereGiven, type Listed, type Page, type Query } from './matching.js';
import { joinOwner, OWNER_COLUMNS, whereOwned, type OwnerColumns, type Owners } from './owners.js';
import type { ClusterRow, OperationState } from './rows.js';

/** A cluster with everything its view shows but its machines, from one query. */
export interface ClusterListRow extends ClusterRow, OwnerColumns {
  zone_name: string;
  offering_name: string | null;
  worker_offering_name: string | null;
  control_offering_name: string | null;
  etcd_offering_name: string | null;
  template_name: string | null;
  network_name: string | null;
  network_type: string | null;
  version_name: string | null;
  version_semantic: string | null;
  address_id: string | null;
  address: string | null;
  operation_id: string | null;
  operation_kind: OperationKind | null;
  operation_state: OperationState | null;
}

const COLUMNS = [
  'c.*', 'z.name as zone_name', 'o.name as offering_name', 'ow.name as worker_offering_name', 'oc.name as control_offering_name', 'oe.name as etcd_offering_name',
  't.name as template_name', 'n.name as network_name', 'n.guest_type as network_type', 'k.name as version_name', 'k.semantic_version as version_semantic',
  'i.uuid as address_id', 'i.public_ip_address as address', 'op.uuid as operation_id', 'op.kind as operation_kind', 'op.state as operation_state', ...OWNER_COLUMNS,
]; // prettier-ignore

const clusters = (db: Db): Query =>
  joinOwner(db('kubernetes_cluster as c'), 'c.account_id')
    .join('data_center as z', 'z.uuid', 'c.zone_id')
    .leftJoin('service_offering as o', 'o.uuid', 'c.service_offering_id')
    // The offerings per node type and the version are shown only while they are not removed; the default offering always.
    .leftJoin(
      'service_offering as ow',
      (on) => void on.on('ow.uuid', 'c.worker_node_service_offering_id').onNull('ow.removed'),
    )
    .leftJoin(
      'service_offering as oc',
      (on) => void on.on('oc.uuid', 'c.control_node_service_offering_id').onNull('oc.removed'),
    )
    .leftJoin(
      'service_offering as oe',
      (on) => void on.on('oe.uuid', 'c.etcd_node_service_offering_id').onNull('oe.removed'),
    )
    .leftJoin(
      'kubernetes_supported_version as k',
      (on) => void on.on('k.uuid', 'c.kubernetes_version_id').onNull('k.removed'),
    )
    .leftJoin('vm_template as t', 't.uuid', 'c.template_id')
    .leftJoin('networks as n', 'n.uuid', 'c.network_id')
    .leftJoin('user_ip_address as i', (on) => void on.on('i.network_id', 'c.network_id').andOnVal('i.source_nat', 1))
    .leftJoin('operation as op', 'op.active_cluster_id', 'c.uuid');

export interface ClusterFilter {
  id?: string;
  name?: string;
  state?: string;
  clustertype?: string;
  keyword?: string;
  owners: Owners;
}

export async function listClusters(db: Db, filter: ClusterFilter, page: Page): Promise<Listed<ClusterListRow>> {
  const query = whereOwned(clusters(db).whereNull('c.removed'), filter.owners);
  whereGiven(query, { 'c.uuid': filter.id, 'c.cluster_type': filter.clustertype });
  if (filter.name !== undefined) sameText(db, query, 'c.name', filter.name);
  if (filter.state !== undefined) sameText(db, query, 'c.state', filter.state);
  if (filter.keyword) containsText(query, 'c.name', filter.keyword);
  return readPage(query, COLUMNS, 'c.id', page);
}

/** One cluster for a view, removed or not. */
export const readClusterForView = (db: Db, uuid: string): Promise<ClusterListRow | undefined> =>
  Promise.resolve(clusters(db).where('c.uuid', uuid).first(COLUMNS) as PromiseLike<ClusterListRow | undefined>);
