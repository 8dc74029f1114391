import { readAttemptSettings } from '../../db/operations.js';
import { resizeMachine } from '../../db/resize-machine.js';
import { advanceNode, markGone, readNodeContext, setPower, type NodeContext } from '../../db/nodes.js';
import { readSecret } from '../../db/secret.js';
import type { SshKeyPairRow, TemplateRow, VersionRow } from '../../db/rows.js';
import { fault } from '../../workflows/model/fault.js';
import { type NodeRef, type StepRef } from '../../workflows/model/operation.js';
import type { Deps } from '../deps.js';
import type { KeyPair } from '../store/index.js';
import { ensureImageOn } from '../images/place.js';
import { imageName } from './driver.js';
import { hostNetwork } from './host-network.js';
import { removeMachine, seedOf, startMachine, volumeOf } from './machine-parts.js';
import { seedFiles } from './seed.js';

/** Machines on their hosts. Every activity looks, acts and confirms; names follow from the machine's id. */
export const hypervisorActivities = (deps: Deps) => {
  const { db, sealer, openHypervisor } = deps;

  const open = async (clusterId: string, node: NodeRef) => {
    const context = await readNodeContext(db, clusterId, node);
    if (!context) throw fault('Internal', `${node.role}-${node.index} has no machine`);
    return { context, host: openHypervisor(context.host) };
  };

  const versionMedium = async (versionId: string): Promise<TemplateRow> => {
    const version = await db<VersionRow>('kubernetes_supported_version').where({ uuid: versionId }).first();
    const iso = await db<TemplateRow>('vm_template')
      .where({ uuid: version?.iso_id ?? '' })
      .first();
    if (!iso) throw fault('Internal', `Kubernetes version ${version?.name ?? versionId} has no medium`);
    return iso;
  };

  return {
    async ensureVolume({ clusterId }: StepRef, node: NodeRef): Promise<void> {
      const { context, host } = await open(clusterId, node);
      const { template, vm } = context;
      await ensureImageOn(deps, context.host, template);
      await host.ensureVolume({
        name: volumeOf(context.vm.instance_name),
        sizeGb: vm.root_disk_gb,
        templateId: template.uuid,
      });
    },

    /** Leaves the machine defined with its seed and the version's medium in its drives, before its first boot. */
    async ensureDefined({ clusterId }: StepRef, node: NodeRef): Promise<void> {
      const { context, host } = await open(clusterId, node);
      const { vm, offering, iso, cluster, network } = context;
      if (!iso) throw fault('Internal', `cluster ${cluster.name} has no version medium`);
      const hostKey = await readSecret(db, sealer, `vm/${vm.uuid}`, 'hostkey');
      const clusterKey = await readSecret(db, sealer, `cluster/${clusterId}`, 'ssh');
      if (!hostKey || !clusterKey) throw fault('Internal', `the keys of ${vm.name} are missing`);
      const users = cluster.key_pair
        ? await db<SshKeyPairRow>('ssh_keypairs')
            .where({ account_id: cluster.account_id, keypair_name: cluster.key_pair })
            .select('public_key')
        : [];
      await host.ensureNetwork(networkOf(context));
      await ensureImageOn(deps, context.host, iso);
      await host.ensureSeed({
        name: seedOf(context.vm.instance_name),
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
        name: vm.instance_name, clusterId, machineId: vm.uuid, hostName: vm.name, cpus: offering.cpu, ramMb: offering.ram_size,
        maxCpus: vm.max_cpus ?? offering.cpu, maxRamMb: vm.max_ram_mb ?? offering.ram_size, macAddress: vm.mac_address,
        ...hostNetwork(network), ipAddress: vm.ip_address ?? '', volume: volumeOf(context.vm.instance_name),
        media: [seedOf(context.vm.instance_name), nameOf(iso)],
      }); // prettier-ignore
      await advanceNode(db, context.node, 'defined');
    },

    /** Leaves the machine on; it starts with its host from then on. */
    async ensureRunning({ clusterId }: StepRef, node: NodeRef): Promise<void> {
      const { context, host } = await open(clusterId, node);
      await startMachine(host, context.vm.instance_name, networkOf(context));
      await advanceNode(db, context.node, 'started');
      await setPower(db, context.vm.uuid, 'Running');
    },

    /** Leaves the machine off, asked politely first; it no longer starts with its host. */
    async ensureStopped({ clusterId, operationId }: StepRef, node: NodeRef): Promise<void> {
      const context = await readNodeContext(db, clusterId, node);
      if (!context) return;
      const settings = await readAttemptSettings(db, operationId);
      await setPower(db, context.vm.uuid, 'Stopping');
      await openHypervisor(context.host).ensureStopped(context.vm.instance_name, settings['cks.machine.stop.timeout']);
      await setPower(db, context.vm.uuid, 'Stopped');
    },

    /** Leaves the machine with the CPUs and memory of the offering, its host's room taken first or given back last. */
    async ensureSize({ clusterId }: StepRef, node: NodeRef, offeringId: string): Promise<void> {
      const { context, host } = await open(clusterId, node);
      await resizeMachine(db, context.vm, offeringId, (size) => host.ensureSize(context.vm.instance_name, size));
    },

    /** Leaves no domain, volume or seed of the machine; only then is its room on the host free. */
    async ensureMachineAbsent({ clusterId }: StepRef, node: NodeRef): Promise<void> {
      const context = await readNodeContext(db, clusterId, node);
      if (!context || context.node.external_node === 1) return;
      const host = openHypervisor(context.host);
      await removeMachine(host, context.vm.instance_name);
      // Left alone while another machine of the network is on the host.
      await host.ensureNetworkAbsent(networkOf(context));
      await markGone(db, context.vm.uuid);
    },

    /** The seed holds the machine's host key: it is taken out and deleted once the machine answers. */
    async ensureSeedAbsent({ clusterId }: StepRef, node: NodeRef): Promise<void> {
      const { context, host } = await open(clusterId, node);
      await host.ensureMediumDetached(context.vm.instance_name, seedOf(context.vm.instance_name));
      await host.ensureSeedAbsent(seedOf(context.vm.instance_name));
    },

    async ensureVersionMediumEjected({ clusterId }: StepRef, node: NodeRef): Promise<void> {
      const { context, host } = await open(clusterId, node);
      if (context.iso) await host.ensureMediumDetached(context.vm.instance_name, nameOf(context.iso));
    },

    /** Leaves the medium of a version in a drive of the machine. */
    async attachVersionMedium({ clusterId }: StepRef, node: NodeRef, versionId: string): Promise<void> {
      const { context, host } = await open(clusterId, node);
      const iso = await versionMedium(versionId);
      await ensureImageOn(deps, context.host, iso);
      await host.ensureMediumAttached(context.vm.instance_name, nameOf(iso));
    },

    async ejectMedium({ clusterId }: StepRef, node: NodeRef, versionId: string): Promise<void> {
      const context = await readNodeContext(db, clusterId, node);
      if (!context) return;
      const iso = await versionMedium(versionId);
      await openHypervisor(context.host).ensureMediumDetached(context.vm.instance_name, nameOf(iso));
    },
  };
};

const networkOf = ({ network }: NodeContext) => hostNetwork(network);
const nameOf = ({ kind, uuid }: TemplateRow) => imageName({ kind, id: uuid });
