import type { Knex } from 'knex';
import { fault } from '../workflows/model/fault.js';
import type { NodeRef, OperationRequest } from '../workflows/model/operation.js';
import { holdCluster } from './clusters.js';
import { transact } from './knex.js';
import { readOperation } from './operations.js';
import type { VmMapRow, VmRow } from './rows.js';

const OFFERING_COLUMN = {
  control: 'control_node_service_offering_id',
  worker: 'worker_node_service_offering_id',
  etcd: 'etcd_node_service_offering_id',
} as const;

/** Offerings and autoscaling as a scale left them. */
export const recordScale = (db: Knex, clusterId: string, request: OperationRequest): Promise<void> =>
  transact(db, async (trx) => {
    const cluster = await holdCluster(trx, clusterId);
    const { offerings = {}, defaultOffering, autoscaling } = request;
    // A new default offering is one for all roles: what a role had of its own would hide it.
    const roles = (['control', 'worker', 'etcd'] as const).flatMap((role) => {
      const size = offerings[role];
      const column = OFFERING_COLUMN[role];
      if (!size) return [];
      return [[column, defaultOffering?.id === size.id && cluster[column] === null ? null : size.id] as const];
    });
    const changes = {
      ...Object.fromEntries(roles),
      ...(defaultOffering && { service_offering_id: defaultOffering.id }),
      ...(autoscaling && {
        autoscaling_enabled: autoscaling.enabled ? 1 : 0,
        minsize: autoscaling.enabled ? (autoscaling.min ?? null) : null,
        maxsize: autoscaling.enabled ? (autoscaling.max ?? null) : null,
      }),
    };
    if (Object.keys(changes).length > 0) await trx('kubernetes_cluster').where({ uuid: clusterId }).update(changes);
  });

export const setTarget = async (db: Knex, clusterId: string, versionId: string): Promise<void> => {
  await db('kubernetes_cluster').where({ uuid: clusterId }).update({ target_version_id: versionId });
};

/** Leaves the cluster without a target where its control plane is at another version than that. */
export const dropTarget = async (db: Knex, clusterId: string, found: string): Promise<void> => {
  await db('kubernetes_cluster')
    .where({ uuid: clusterId })
    .whereNotIn(
      'target_version_id',
      db('kubernetes_supported_version').where({ semantic_version: found }).select('uuid'),
    )
    .update({ target_version_id: null });
};

export const recordVersion = async (db: Knex, clusterId: string, versionId: string): Promise<void> => {
  await db('kubernetes_cluster')
    .where({ uuid: clusterId })
    .update({ kubernetes_version_id: versionId, target_version_id: null });
};

/** Leaves a user's machine as a node of the cluster; again changes nothing. Throws `Refused` when it belongs to another. */
export const adoptMachine = (
  db: Knex,
  { clusterId, operationId, node, machineId, manualUpgrade }: {
    clusterId: string; operationId: string; node: NodeRef; machineId: string; manualUpgrade: boolean;
  }, // prettier-ignore
): Promise<void> =>
  transact(db, async (trx) => {
    await holdCluster(trx, clusterId);
    const operation = await readOperation(trx, operationId);
    const vm = await trx<VmRow>('vm_instance').where({ uuid: machineId }).whereNull('removed').first();
    if (!vm) throw fault('Refused', `machine ${machineId} was removed`);
    const member = await trx<VmMapRow>('kubernetes_cluster_vm_map').where({ vm_id: machineId }).first();
    if (member?.cluster_id === clusterId) return;
    if (member) throw fault('Refused', `machine ${vm.name} is a node of cluster ${member.cluster_id} already`);
    await trx('kubernetes_cluster_vm_map').insert({
      cluster_id: clusterId, vm_id: machineId, role: node.role, role_index: node.index, control_node: 0, etcd_node: 0, external_node: 1,
      manual_upgrade: manualUpgrade ? 1 : 0, kubernetes_node_version: null, phase: 'started', added_by: operation?.root_id ?? null,
    }); // prettier-ignore
  });
