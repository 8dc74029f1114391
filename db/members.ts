import type { Knex } from 'knex';
import { fault } from '../workflows/model/fault.js';
import { holdCluster } from './clusters.js';
import { transact } from './knex.js';
import { queueMachineChange, type QueuedChange } from './machine-changes.js';
import type { ClusterRow, VmMapRow, VmRow } from './rows.js';

/**
 * Members of clusters that somebody else runs: machines that are shown with the cluster (`behaviour.md` §5.11). They are their
 * owner's, so they are marked external: no operation makes, stops or removes them.
 */
export const addMembers = (
  db: Knex,
  cluster: ClusterRow,
  machineIds: readonly string[],
  control: boolean,
): Promise<void> =>
  transact(db, async (trx) => {
    await holdCluster(trx, cluster.uuid);
    const role = control ? 'control' : 'worker';
    const present = await membersOf(trx, cluster.uuid);
    let index = Math.max(0, ...present.filter((row) => row.role === role).map((row) => row.role_index));
    for (const id of new Set(machineIds)) {
      if (present.some(({ vm_id }) => vm_id === id)) continue;
      const vm = await trx<VmRow>('vm_instance').where({ uuid: id }).first();
      if (!vm || vm.removed !== null)
        throw fault('Refused', `Invalid virtual machine id ${id}: the machine was destroyed`);
      const other = await trx('kubernetes_cluster_vm_map as m')
        .join('kubernetes_cluster as c', 'c.uuid', 'm.cluster_id')
        .where('m.vm_id', id)
        .first<{ name: string } | undefined>('c.name');
      if (other)
        throw fault(
          'Refused',
          `Virtual machine ${vm.name} belongs to Kubernetes cluster ${other.name}: remove it there first`,
        );
      await trx('kubernetes_cluster_vm_map').insert({
        cluster_id: cluster.uuid, vm_id: id, role, role_index: ++index, control_node: Number(control), etcd_node: 0, external_node: 1,
        manual_upgrade: 0, kubernetes_node_version: null, phase: 'ready',
      }); // prettier-ignore
    }
    await recount(trx, cluster.uuid);
  });

export interface RemovedMember {
  id: string;
  /** Why the machine was not taken out. */
  problem?: string;
}

/** Takes machines out of the cluster, each for itself; the machines stay as they are. */
export const removeMembers = (db: Knex, cluster: ClusterRow, machineIds: readonly string[]): Promise<RemovedMember[]> =>
  transact(db, async (trx) => {
    await holdCluster(trx, cluster.uuid);
    const answers: RemovedMember[] = [];
    for (const id of new Set(machineIds)) {
      const gone = await trx('kubernetes_cluster_vm_map').where({ cluster_id: cluster.uuid, vm_id: id }).delete();
      const vm = gone === 0 ? await trx<VmRow>('vm_instance').where({ uuid: id }).first() : undefined;
      if (gone > 0) answers.push({ id });
      else if (!vm) answers.push({ id, problem: `${id} is not a valid virtual machine` });
      else if (vm.removed !== null) answers.push({ id, problem: `Virtual machine ${id} was destroyed already` });
      else answers.push({ id, problem: `Virtual machine ${id} is not in Kubernetes cluster ${cluster.name}` });
    }
    await recount(trx, cluster.uuid);
    return answers;
  });

/**
 * Queues the destruction of every member, for `deleteKubernetesCluster` with `cleanup` or `expunge`: in the transaction that queues
 * the delete and before it, since the delete lets the members go. What cannot be destroyed has a failed job, as in the original.
 */
export async function queueMemberDestroys(
  trx: Knex.Transaction,
  cluster: ClusterRow,
  caller: { accountId: string; userId: string },
  limitSeconds: number,
): Promise<QueuedChange[]> {
  if (cluster.cluster_type !== 'ExternalManaged') return [];
  const queued: QueuedChange[] = [];
  for (const { vm_id } of await membersOf(trx, cluster.uuid))
    queued.push(await queueMachineChange(trx, { kind: 'destroy', vmId: vm_id, limitSeconds, caller }));
  return queued;
}

const membersOf = (trx: Knex.Transaction, clusterId: string): Promise<VmMapRow[]> =>
  Promise.resolve(trx<VmMapRow>('kubernetes_cluster_vm_map').where({ cluster_id: clusterId }).orderBy('id'));

/** The counts of the cluster as its members are. */
export async function recount(trx: Knex.Transaction, clusterId: string): Promise<void> {
  const members = await membersOf(trx, clusterId);
  const control = members.filter(({ control_node }) => control_node === 1).length;
  await trx('kubernetes_cluster')
    .where({ uuid: clusterId, cluster_type: 'ExternalManaged' })
    .update({ control_node_count: control, node_count: members.length - control });
}

/** To be called before a machine's rows are released: a member that goes is counted out. */
export async function leaveCluster(trx: Knex.Transaction, vmId: string): Promise<void> {
  const row = await trx<VmMapRow>('kubernetes_cluster_vm_map').where({ vm_id: vmId }).first();
  if (!row) return;
  await trx('kubernetes_cluster_vm_map').where({ vm_id: vmId }).delete();
  await recount(trx, row.cluster_id);
}
