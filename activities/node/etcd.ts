import { readNodes } from '../../db/nodes.js';
import type { ClusterRow, VmRow } from '../../db/rows.js';
import { fault } from '../../workflows/model/fault.js';
import type { NodeRef, StepRef } from '../../workflows/model/operation.js';
import type { Deps } from '../deps.js';
import { waitFor } from '../wait.js';
import { isFault } from '../is-fault.js';
import { etcdCertificate } from './etcd-certificates.js';
import type { Guests, Values } from './guest.js';

/** etcd, on control nodes or on nodes of its own: members, health, a copy before an upgrade. */
export const etcdActivities = (guests: Guests) => ({
  /** Leaves a dedicated member running with TLS from the cluster's etcd CA; all members' names and addresses are known by then. */
  async installEtcd(ref: StepRef, node: NodeRef): Promise<void> {
    const { deps } = guests;
    const context = await guests.open(ref.clusterId, node);
    const members = (await readNodes(deps.db, ref.clusterId)).filter(({ role }) => role === 'etcd');
    await guests.run(context, 'etcd', `install-${ref.operationId}`, async () => ({
      action: 'install',
      name: context.vm.name,
      address: context.vm.ip_address ?? '',
      members: members.map(({ name, ip_address }) => `${name}=https://${ip_address}:2380`).join(','),
      ...(await etcdCertificate(deps, ref.clusterId, context.vm, 'member')),
    }));
    await guests.advance(context, 'ready');
  },

  /** Returns once every member that the node knows is healthy. */
  async waitEtcd(ref: StepRef, node: NodeRef): Promise<void> {
    const dedicated = (await readNodes(guests.deps.db, ref.clusterId)).find(({ role }) => role === 'etcd');
    const asked: NodeRef = dedicated ? { role: 'etcd', index: dedicated.role_index } : node;
    const context = await guests.open(ref.clusterId, asked);
    let look = 0;
    await waitFor(
      guests.deps.pollMs,
      async () => {
        const key = `health-${ref.operationId}-${ref.line}-${Date.now().toString(36)}-${look++}`;
        const answer = await guests.run(context, 'etcd', key, () => ({ action: 'health' }));
        const members = (answer['members'] ?? []) as { name: string; healthy: boolean }[];
        const ill = members.filter(({ healthy }) => !healthy).map(({ name }) => name);
        if (answer['quorum'] !== true)
          throw fault('EtcdUnhealthy', `etcd has no quorum: ${ill.join(', ')} not healthy`);
        if (ill.length > 0) throw fault('EtcdUnhealthy', `etcd member ${ill.join(', ')} is not healthy`);
        return true;
      },
      (error) => isFault(error, 'EtcdUnhealthy') || isFault(error, 'NodeUnreachable') || isFault(error, 'NodeFailed'),
      guests.seen(ref),
    );
  },

  /** Leaves a copy of etcd's data on the node. */
  async saveEtcd(ref: StepRef, node: NodeRef): Promise<void> {
    const dedicated = (await readNodes(guests.deps.db, ref.clusterId)).find(({ role }) => role === 'etcd');
    const asked: NodeRef = dedicated ? { role: 'etcd', index: dedicated.role_index } : node;
    await guests.runStep(ref, await guests.open(ref.clusterId, asked), 'etcd', () => ({ action: 'save' }));
  },

  /** Leaves etcd without the member of a control node that goes; asked of one that stays. With dedicated etcd there is none. */
  async removeEtcdMember(ref: StepRef, node: NodeRef): Promise<void> {
    const nodes = await readNodes(guests.deps.db, ref.clusterId);
    const leaving = nodes.find((one) => one.role === node.role && one.role_index === node.index);
    if (!leaving || nodes.some(({ role }) => role === 'etcd')) return;
    const survivor = await guests.survivor(ref.clusterId, node);
    await guests.runStep(ref, survivor, 'etcd', () => ({ action: 'remove', member: leaving.name }));
  },
});

/** What kubeadm needs to use dedicated members; nothing without them. */
export async function externalEtcd(deps: Deps, cluster: ClusterRow, vm: VmRow): Promise<Values> {
  const members = (await readNodes(deps.db, cluster.uuid)).filter(({ role }) => role === 'etcd');
  if (members.length === 0) return {};
  const { ca, cert, key } = await etcdCertificate(deps, cluster.uuid, vm, 'client');
  return {
    etcd_endpoints: members.map(({ ip_address }) => `https://${ip_address}:2379`).join(','),
    etcd_ca: ca,
    etcd_cert: cert,
    etcd_key: key,
  };
}
