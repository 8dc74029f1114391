import assert from 'node:assert/strict';
import { LabCluster, CREATE_SECONDS } from '../cluster.js';
import { FIRST, NEXT } from '../versions.js';
import type { LabCase } from './case.js';

const version = FIRST.kubernetes;

export const cancelledCreate: LabCase = {
  name: 'cancel during kubeadm init of a create: nothing is left but the row',
  features: ['cancel', 'create'],
  async run(world) {
    const { cluster, job } = await LabCluster.begin(world, { name: 'cancelled', version });
    await cluster.reaches(job, 'node.init');
    await cluster.change('cancelKubernetesClusterOperation', { kubernetesclusterid: cluster.id });
    const { job_status, job_result } = await world.jobEnds(job, 60);
    assert.equal(job_status, 2, `the job of the create ends as failed: ${String(job_result)}`);
    assert.match(String(job_result), /530/);
    const row = await cluster.row();
    assert.equal(row['state'], 'Error');
    assert.match(String(row['reason']), /Cancelled/);
    cluster.expectNothingLeft();
    await cluster.delete();
  },
};

export const cancelledUpgrade: LabCase = {
  name: 'cancel of an upgrade while kubeadm upgrades the control node, then of another during the first worker: usable with two versions; upgrading again finishes',
  features: ['cancel', 'upgrade', 'resume'],
  next: true,
  async run(world, say) {
    const cluster = await LabCluster.create(world, { name: 'halfway', version });
    const upgrade = { id: cluster.id, kubernetesversionid: world.versions.get(NEXT.kubernetes)! };
    const cancelledAt = async (kind: string, more: () => Promise<void>): Promise<void> => {
      const job = await world.begun('upgradeKubernetesCluster', upgrade);
      await cluster.reaches(job, kind);
      await more();
      await cluster.change('cancelKubernetesClusterOperation', { kubernetesclusterid: cluster.id });
      const { job_status } = await world.jobEnds(job, CREATE_SECONDS);
      assert.equal(job_status, 2);
      const row = await cluster.row();
      say(`after the cancel at ${kind}: ${String(row['state'])}, ${String(row['reason'])}`);
      assert.equal(row['state'], 'Running');
      assert.match(String(row['reason']), /MixedVersions/);
      const nodes = await cluster.nodes();
      assert(
        nodes.every(({ spec }) => spec.unschedulable === undefined),
        'no node is left cordoned',
      );
      await cluster.expectServes();
    };
    const upgrades = () =>
      Object.values(cluster.kubeadmRuns())
        .flat()
        .filter((run) => run.startsWith('upgrade-'));
    await cancelledAt('node.upgrade.first', () =>
      world.until('kubeadm upgrades', () => upgrades().length > 0 || 'not yet', 60, 50),
    );
    const kubelets = (await cluster.nodes()).map(({ status }) => status.nodeInfo.kubeletVersion);
    assert.deepEqual(kubelets.sort(), [`v${version}`, `v${NEXT.kubernetes}`], 'the cancel waited for kubeadm');
    await cancelledAt('node.upgrade.worker', () => Promise.resolve());
    await cluster.change('upgradeKubernetesCluster', upgrade, 2 * CREATE_SECONDS);
    await cluster.storeKubeconfig();
    await cluster.expectHealthy({ version: NEXT.kubernetes });
    await cluster.delete();
    cluster.expectNothingLeft();
  },
};
