import { readNodes, releaseNodes, reserveNodes } from '../../db/nodes.js';
import { readOperation } from '../../db/operations.js';
import { forgetSecrets, keepSecret, Secret } from '../../db/secret.js';
import { newSshKeyPair } from '../../db/ssh-key-pair.js';
import { fault } from '../../workflows/model/fault.js';
import type { NodeRef, StepRef } from '../../workflows/model/operation.js';
import type { Deps } from '../deps.js';

/** Rows that a step of an operation makes or removes. */
export const storeActivities = ({ db, sealer }: Deps) => ({
  /** Leaves every node of the cluster with a row, a name, an address and a place on a host. */
  async reserveNodes({ operationId, clusterId }: StepRef): Promise<{ node: NodeRef; hostId: string }[]> {
    const operation = await readOperation(db, operationId);
    return reserveNodes(db, clusterId, operation?.user_id ?? '');
  },

  /** Leaves no node row, address or room behind of machines that are gone. Throws when a machine is still there. */
  async releaseNodes({ clusterId }: StepRef): Promise<void> {
    const remain = await releaseNodes(db, clusterId);
    if (remain.length > 0)
      throw fault('Refused', `machines that are still on their hosts keep their addresses: ${remain.join(', ')}`);
  },

  /** Leaves the cluster with an SSH key pair, and each machine with a host key of its own that is known before its first boot. */
  async ensureKeys({ clusterId }: StepRef): Promise<void> {
    await keepSecret(db, sealer, `cluster/${clusterId}`, 'ssh', newKeyPair);
    for (const node of await readNodes(db, clusterId)) {
      const hostKey = await keepSecret(db, sealer, `vm/${node.vm_id}`, 'hostkey', newKeyPair);
      const { public: ssh_host_key } = JSON.parse(hostKey.reveal()) as KeyPair;
      await db('vm_instance').where({ uuid: node.vm_id }).update({ ssh_host_key });
    }
  },

  async forgetSecrets({ clusterId }: StepRef): Promise<void> {
    for (const node of await readNodes(db, clusterId)) await forgetSecrets(db, `vm/${node.vm_id}`);
    await forgetSecrets(db, `cluster/${clusterId}`);
  },
});

/** An SSH key pair as it is sealed: OpenSSH private key and one line of public key. */
export interface KeyPair {
  private: string;
  public: string;
}

const newKeyPair = () => new Secret(JSON.stringify(newSshKeyPair() satisfies KeyPair));
