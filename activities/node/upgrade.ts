import { Context } from '@temporalio/activity';
import { z } from 'zod';
import type { NodeRef, StepRef } from '../../workflows/model/operation.js';
import { fault } from '../../workflows/model/fault.js';
import { dropTarget, setTarget } from '../../db/cluster-changes.js';
import type { NodeContext } from '../../db/nodes.js';
import { recordCertificates } from '../certificates.js';
import type { Deps } from '../deps.js';
import { isFault } from '../is-fault.js';
import { isUnreachable, type Guests } from './guest.js';

const MIN = { cpus: 2, ramMb: 2048, rootGb: 8 };
/**
 * The least that such a machine shows from inside: kernel, firmware, boot partitions and the file system keep the rest. kubeadm, too, asks
 * for 1700 MB where 2 GB are meant; the same share of the disk is 6.6 GB.
 */
const MIN_INSIDE = { cpus: 2, ramMb: 1700, rootGb: 6.6 };
/** How often a node that does not answer is asked whether it is still being upgraded. */
const TRIES = 4;
const machineAnswer = z.object({ cpus: z.number(), ram_mb: z.number(), root_mb: z.number() });

/**
 * kubeadm notes the version of the control plane once all its parts have it, and takes the old ones back where one does not come up. A
 * cluster whose API server cannot be asked is taken to have two versions.
 */
async function settleTarget({ db, kubernetes }: Deps, clusterId: string): Promise<void> {
  const configuration = { namespace: 'kube-system', name: 'kubeadm-config' };
  const noted = kubernetes.open(clusterId).then((api) => api.readNamespacedConfigMap(configuration));
  const { data } = await noted.catch(() => ({ data: undefined }));
  const [, found] = /^kubernetesVersion: "?v?([^"\s]+)"?$/m.exec(data?.['ClusterConfiguration'] ?? '') ?? [];
  if (found !== undefined) await dropTarget(db, clusterId, found);
}

async function recordEnd(deps: Deps, { cluster, vm }: NodeContext, expires: unknown): Promise<void> {
  const ends = new Date(String(expires));
  if (!Number.isNaN(ends.getTime())) await recordCertificates(deps.db, cluster.uuid, vm.uuid, ends);
}

/** Other versions, certificates, and what a user's machine must be. */
export const upgradeActivities = (guests: Guests) => ({
  /** Leaves images and programs of a version on the node, beside those that it runs. */
  async stage(ref: StepRef, node: NodeRef, version: string): Promise<void> {
    const context = await guests.open(ref.clusterId, node);
    await guests.runStep(ref, context, 'prestage', () => ({ version }));
    await guests.deps
      .db('kubernetes_cluster_vm_map')
      .where({ vm_id: context.node.vm_id })
      .update({ staged_version: version });
  },

  /**
   * Leaves the node's kubeadm parts, kubelet and kubectl at the version (`behaviour.md` §6.9), and with them a control node's certificates.
   * With the first control node the cluster has two versions: its row says so before it is true, so that no kill can hide it.
   */
  async upgrade(
    ref: StepRef,
    node: NodeRef,
    version: string,
    mode: 'first' | 'control' | 'worker',
    versionId?: string,
  ): Promise<void> {
    const context = await guests.open(ref.clusterId, node);
    const network = context.cluster.cni_config_id === null ? 'yes' : 'no';
    // A run that failed is stored under its key: each further try of the step asks under another, since it is another activity. One whose
    // worker was killed is the same again, and finds the run.
    const key = `${ref.operationId}-${ref.line}-${mode}-${Context.current().info.activityId}`;
    if (mode === 'first' && versionId !== undefined) await setTarget(guests.deps.db, ref.clusterId, versionId);
    try {
      const { expires } = await guests.run(context, 'upgrade', key, () => ({ version, mode, network }));
      if (mode !== 'worker') await recordEnd(guests.deps, context, expires);
    } catch (error) {
      if (isFault(error, 'NodeRefused')) {
        // What was staged may be gone from the node: a further attempt stages again.
        await guests.deps
          .db('kubernetes_cluster_vm_map')
          .where({ vm_id: context.node.vm_id })
          .update({ staged_version: null });
        await settleTarget(guests.deps, ref.clusterId);
      }
      throw error;
    }
  },

  /**
   * Returns once no upgrade runs on the control node any more, which a cancel does not end; a cluster whose control plane it did not bring to
   * another version has one version again. A node that cannot be asked is left as it is.
   */
  async settleUpgrade(ref: StepRef, node: NodeRef): Promise<void> {
    const context = await guests.open(ref.clusterId, node);
    try {
      // One run at a time: this one comes after the upgrade's, and only tells.
      await guests.runStep(ref, context, 'renew', () => ({ within_days: '0' }));
    } catch (error) {
      if (isUnreachable(error) && Context.current().info.attempt >= TRIES) return;
      if (!isFault(error, 'NodeRefused')) throw error;
    }
    await settleTarget(guests.deps, ref.clusterId);
  },

  /** Leaves certificates that end after the setting's days, or later; writes down when the first of them ends. */
  async renewCertificates(ref: StepRef, node: NodeRef): Promise<void> {
    const settings = await guests.settings(ref.operationId);
    const context = await guests.open(ref.clusterId, node);
    const { expires } = await guests.runStep(ref, context, 'renew', () => ({
      within_days: String(settings['cks.certificate.renew.days']),
    }));
    await recordEnd(guests.deps, context, expires);
  },

  /** Joins a worker again whose kubelet certificate ended while it was off: it cannot renew what it may not show any more. */
  async rejoinIfExpired(ref: StepRef, node: NodeRef): Promise<void> {
    const context = await guests.open(ref.clusterId, node);
    const { expires } = await guests.runStep(ref, context, 'renew', () => ({ within_days: '0' }));
    const ends = new Date(String(expires)).getTime();
    if (Number.isNaN(ends) || ends > Date.now()) return;
    await guests.run(context, 'join', `${ref.operationId}-again`, async () => ({
      ...(await guests.joinValues(context)),
      role: 'worker',
    }));
  },

  /**
   * Throws `Refused`, naming what is missing, unless the machine can be a node (`behaviour.md` §5.9). An imported one is asked itself: its
   * offering is what somebody said of it, and its disk nobody knows.
   */
  async validate(ref: StepRef, node: NodeRef): Promise<void> {
    const context = await guests.open(ref.clusterId, node);
    const { vm, offering } = context;
    const isImported = vm.root_disk_gb === 0;
    const found = isImported
      ? await measure(guests, ref, context)
      : { cpus: offering.cpu, ramMb: offering.ram_size, rootGb: vm.root_disk_gb };
    const least = isImported ? MIN_INSIDE : MIN;
    const missing = [
      found.cpus < least.cpus && `${MIN.cpus} CPUs or more, found ${found.cpus}`,
      found.ramMb < least.ramMb && `${MIN.ramMb} MB of memory or more, found ${found.ramMb}`,
      found.rootGb < least.rootGb && `a root disk of ${MIN.rootGb} GB or more, found ${found.rootGb}`,
    ].filter(Boolean);
    if (missing.length > 0) throw fault('Refused', `machine ${vm.name} needs ${missing.join('; ')}`);
  },
});

/** What the guest shows of the machine; a disk in GB with one decimal. */
async function measure(guests: Guests, ref: StepRef, context: NodeContext) {
  const { cpus, ram_mb: ramMb, root_mb } = machineAnswer.parse(await guests.runStep(ref, context, 'machine'));
  return { cpus, ramMb, rootGb: Math.round(root_mb / 102.4) / 10 };
}
