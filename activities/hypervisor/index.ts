import { advanceNode, markGone, readNodeContext, type NodeContext } from '../../db/nodes.js';
import { readSecret } from '../../db/secret.js';
import type { SshKeyPairRow } from '../../db/rows.js';
import { fault } from '../../workflows/model/fault.js';
import type { NodeRef, StepRef } from '../../workflows/model/operation.js';
import type { Deps } from '../deps.js';
import type { KeyPair } from '../store/index.js';
import { seedFiles } from './seed.js';

/** Machines on their hosts. Every activity looks, acts and confirms; names follow from the machine's id. */
export const hypervisorActivities = (deps: Deps) => {
  const { db, sealer, openHypervisor } = deps;

  const open = async (clusterId: string, node: NodeRef) => {
    const context = await readNodeContext(db, clusterId, node);
    if (!context) throw fault('Internal', `${node.role}-${node.index} has no machine`);
    return { context, host: openHypervisor(context.host.url) };
  };

  return {
    async ensureVolume({ clusterId }: StepRef, node: NodeRef): Promise<void> {
      const { context, host } = await open(clusterId, node);
      const { template, vm } = context;
      await host.ensureVolume({
        name: volumeOf(context),
        sizeGb: vm.root_disk_gb,
        templateId: template.uuid,
        templateUrl: template.url,
      });
    },

    /** Leaves the machine defined with its seed and the version's medium in its drives, before its first boot. */
    async ensureDefined({ clusterId }: StepRef, node: NodeRef): Promise<void> {
      const { context, host } = await open(clusterId, node);
      const { vm, offering, iso, cluster } = context;
      if (!iso) throw fault('Internal', `cluster ${cluster.name} has no version medium`);
      const hostKey = await readSecret(db, sealer, `vm/${vm.uuid}`, 'hostkey');
      const clusterKey = await readSecret(db, sealer, `cluster/${clusterId}`, 'ssh');
      if (!hostKey || !clusterKey) throw fault('Internal', `the keys of ${vm.name} are missing`);
      const users = cluster.key_pair
        ? await db<SshKeyPairRow>('ssh_keypairs')
            .where({ account_id: cluster.account_id, keypair_name: cluster.key_pair })
            .select('public_key')
        : [];
      await host.ensureIso(iso.uuid, iso.url);
      await host.ensureSeed({
        name: seedOf(context),
        files: seedFiles({
          context,
          hostKey: JSON.parse(hostKey.reveal()) as KeyPair,
          authorizedKeys: [
            (JSON.parse(clusterKey.reveal()) as KeyPair).public,
            ...users.map(({ public_key }) => public_key),
          ],
        }),
      });
      await host.ensureDefined({
        name: vm.instance_name, clusterId, machineId: vm.uuid, hostName: vm.name, cpus: offering.cpu, ramMb: offering.ram_size, macAddress: vm.mac_address,
        networkId: vm.network_id, ipAddress: vm.ip_address ?? '', volume: volumeOf(context), media: [seedOf(context), isoOf(context)],
      }); // prettier-ignore
      if (context.node.phase === 'reserved') await advanceNode(db, context.node, 'defined');
    },

    async ensureRunning({ clusterId }: StepRef, node: NodeRef): Promise<void> {
      const { context, host } = await open(clusterId, node);
      await host.ensureRunning(context.vm.instance_name);
      if (context.node.phase === 'reserved' || context.node.phase === 'defined')
        await advanceNode(db, context.node, 'started');
    },

    /** Leaves no domain, volume or seed of the machine; only then is its room on the host free. */
    async ensureMachineAbsent({ clusterId }: StepRef, node: NodeRef): Promise<void> {
      const context = await readNodeContext(db, clusterId, node);
      if (!context) return;
      const host = openHypervisor(context.host.url);
      await host.ensureAbsent(context.vm.instance_name);
      await host.ensureSeedAbsent(seedOf(context));
      await host.ensureVolumeAbsent(volumeOf(context));
      await markGone(db, context.vm.uuid);
    },

    /** The seed holds the machine's host key: it is taken out and deleted once the machine answers. */
    async ensureSeedAbsent({ clusterId }: StepRef, node: NodeRef): Promise<void> {
      const { context, host } = await open(clusterId, node);
      await host.ensureMediumDetached(context.vm.instance_name, seedOf(context));
      await host.ensureSeedAbsent(seedOf(context));
    },

    async ensureVersionMediumEjected({ clusterId }: StepRef, node: NodeRef): Promise<void> {
      const { context, host } = await open(clusterId, node);
      await host.ensureMediumDetached(context.vm.instance_name, isoOf(context));
    },
  };
};

const volumeOf = ({ vm }: NodeContext) => `${vm.instance_name}-root`;
const seedOf = ({ vm }: NodeContext) => `${vm.instance_name}-seed`;
const isoOf = ({ iso }: NodeContext) => `iso-${iso?.uuid}`;
