import type { Knex } from 'knex';
import type { ClusterRow } from './rows.js';

/**
 * Workers of clusters in Alert whose host is Down, where no operation is on its way. A host in maintenance was switched off on purpose
 * and comes back: its workers are not lost.
 */
export function readLostWorkers(db: Knex, zoneId: string): Promise<(ClusterRow & { vm_id: string })[]> {
  return db('kubernetes_cluster_vm_map as m')
    .join('vm_instance as v', 'v.uuid', 'm.vm_id')
    .join('host as h', 'h.uuid', 'v.host_id')
    .join('kubernetes_cluster as c', 'c.uuid', 'm.cluster_id')
    .leftJoin('operation as o', 'o.active_cluster_id', 'c.uuid')
    .where({ 'c.zone_id': zoneId, 'm.role': 'worker', 'm.external_node': 0, 'h.status': 'Down', 'c.state': 'Alert' })
    .whereNull('o.uuid')
    .whereNot('h.resource_state', 'Maintenance')
    .orderBy('m.id')
    .select<(ClusterRow & { vm_id: string })[]>('c.*', 'm.vm_id');
}
