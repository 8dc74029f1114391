import { adoptMachine, recordScale, recordVersion, setTarget } from '../../db/cluster-changes.js';
import { readNodes } from '../../db/nodes.js';
import { readOperation } from '../../db/operations.js';
import { abandonNode, recordCounts, releaseNodes, reserveNodes } from '../../db/reserve.js';
import { forgetSecrets, keepSecret, Secret } from '../../db/secret.js';
import { newSshKeyPair } from '../../db/ssh-key-pair.js';
import { fault } from '../../workflows/model/fault.js';
import type { NodeRef, OperationRequest, StepRef } from '../../workflows/model/operation.js';
import type { Deps } from '../deps.js';

/** Rows that a step of an operation makes or removes. */
export const storeActivities = ({ db, sealer }: Deps) => ({
  /** Leaves the wanted nodes with a row, a name, an address and a place on a host. `replaces`: the machine in whose place they come. */
  async reserveNodes(
    { operationId, clusterId }: StepRef,
    wanted: NodeRef[],
    offerings?: OperationRequest['offerings'],
    replaces?: string,
  ): Promise<{ node: NodeRef; hostId: string }[]> {
    const operation = await readOperation(db, operationId);
    if (!operation) throw fault('Internal', `there is no operation ${operationId}`);
    const { user_id: userId, root_id: rootId } = operation;
    return reserveNodes(db, { clusterId, userId, rootId, wanted, ...(offerings && { offerings }), ...(replaces && { replaces }) }); // prettier-ignore
  },

  /**
   * Leaves no node row, address or room behind of machines that are gone: all, or those of `only`. Throws when one is still there; one whose
   * host is down is left to the scan.
   */
  releaseNodes: ({ clusterId }: StepRef, only?: NodeRef[]): Promise<void> => release(db, clusterId, only),

  /** Leaves the cluster without the node, its counts as its rows are. */
  async removeNode({ clusterId }: StepRef, node: NodeRef): Promise<void> {
    await release(db, clusterId, [node]);
    await recordCounts(db, clusterId);
  },

  recordCounts: ({ clusterId }: StepRef): Promise<void> => recordCounts(db, clusterId),

  /** Leaves the cluster's row with the offerings, counts and autoscaling that are true now. */
  async recordScale({ clusterId }: StepRef, request: OperationRequest): Promise<void> {
    await recordScale(db, clusterId, request);
    await recordCounts(db, clusterId);
  },

  /** Of lists before revision 9: an upgrade of the first control node says so itself. */
  setTarget: ({ clusterId }: StepRef, versionId: string): Promise<void> => setTarget(db, clusterId, versionId),

  recordVersion: ({ clusterId }: StepRef, versionId: string): Promise<void> => recordVersion(db, clusterId, versionId),

  /** Leaves a user's machine as a node of the cluster, on its way in and counted: whatever becomes of the operation, counts are as rows are. */
  async adoptMachine(
    { clusterId, operationId }: StepRef,
    node: NodeRef,
    machineId: string,
    manualUpgrade: boolean,
  ): Promise<void> {
    await adoptMachine(db, { clusterId, operationId, node, machineId, manualUpgrade });
    await recordCounts(db, clusterId);
  },

  /** Leaves the cluster with an SSH key pair, and each machine with a host key of its own that is known before its first boot. */
  async ensureKeys({ clusterId }: StepRef): Promise<void> {
    await keepSecret(db, sealer, `cluster/${clusterId}`, 'ssh', newKeyPair);
    for (const node of await readNodes(db, clusterId)) {
      if (node.ssh_host_key !== null) continue;
      const hostKey = await keepSecret(db, sealer, `vm/${node.vm_id}`, 'hostkey', newKeyPair);
      const { public: ssh_host_key } = JSON.parse(hostKey.reveal()) as KeyPair;
      await db('vm_instance').where({ uuid: node.vm_id }).update({ ssh_host_key });
    }
  },

  async forgetSecrets({ clusterId }: StepRef): Promise<void> {
    for (const node of await readNodes(db, clusterId))
      if (node.external_node === 0) await forgetSecrets(db, `vm/${node.vm_id}`);
    await forgetSecrets(db, `cluster/${clusterId}`);
  },
});

/** An SSH key pair as it is sealed: OpenSSH private key and one line of public key. */
export interface KeyPair {
  private: string;
  public: string;
}

const newKeyPair = () => new Secret(JSON.stringify(newSshKeyPair() satisfies KeyPair));

async function release(db: Deps['db'], clusterId: string, only?: NodeRef[]): Promise<void> {
  const remain = new Set(await releaseNodes(db, clusterId, only));
  if (remain.size === 0) return;
  const kept: string[] = [];
  for (const { vm_id, name, host_status } of await readNodes(db, clusterId)) {
    if (!remain.has(name)) continue;
    if (host_status === 'Down') await abandonNode(db, vm_id);
    else kept.push(name);
  }
  if (kept.length > 0)
    throw fault('Refused', `machines that are still on their hosts keep their addresses: ${kept.join(', ')}`);
}
