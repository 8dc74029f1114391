import { transact } from '../db/knex.js';
import { releaseMachine } from '../db/reserve.js';
import type { ClusterRow, HostRow, VmRow } from '../db/rows.js';
import { fault } from '../workflows/model/fault.js';
import { nodePrefix } from '../workflows/model/names.js';
import type { Deps } from './deps.js';
import { removeMachine } from './hypervisor/machine-parts.js';
import { inTime } from './in-time.js';
import { ask, statusOf } from './kubernetes/ask.js';
import { deleteNodeObject } from './kubernetes/delete-node.js';

const ANSWER_MS = 5000;

/**
 * Takes away a node that was given up while its host was down, now that the host is back: its machine, and its Node object. The operation
 * deleted that object, but the machine started with its host, and its kubelet may have made the object again before this found the machine.
 * Throws, and keeps the rows for the next scan, while the host or the API server of the cluster does not do its part.
 */
export async function removeLost(
  deps: Deps,
  host: HostRow,
  machine: Pick<VmRow, 'uuid' | 'name' | 'instance_name' | 'network_id'>,
): Promise<void> {
  const { db } = deps;
  // First the machine: without it nobody registers the node again.
  await removeMachine(deps.openHypervisor(host), machine.instance_name);
  // The row that said which cluster it was of is gone: of those in its network the one that names its nodes so.
  const clusters = await db<ClusterRow>('kubernetes_cluster')
    .where({ network_id: machine.network_id })
    .whereNull('removed')
    .whereNot({ state: 'Destroyed' });
  for (const { uuid, name } of clusters)
    if (machine.name.startsWith(`${nodePrefix(name, uuid)}-`))
      await inTime(ANSWER_MS, removeNodeObject(deps, uuid, machine.name));
  await transact(db, (trx) => releaseMachine(trx, { vm_id: machine.uuid }));
}

async function removeNodeObject({ kubernetes }: Deps, clusterId: string, name: string): Promise<void> {
  const api = await kubernetes.open(clusterId);
  await deleteNodeObject(api, name);
  const isThere = await ask(`look for node ${name}`, () =>
    api.readNode({ name }).then(
      () => true,
      (error: unknown) => (statusOf(error) === 404 ? false : Promise.reject(error as Error)),
    ),
  );
  if (isThere) throw fault('KubernetesUnreachable', `node ${name} is being deleted`);
}
