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
  name: 'cancel during the first worker of an upgrade: usable with two versions; upgrading again finishes',
  features: ['cancel', 'upgrade', 'resume'],
  next: true,
  async run(world, say) {
    const cluster = await LabCluster.create(world, { name: 'halfway', version });
    const upgrade = { id: cluster.id, kubernetesversionid: world.versions.get(NEXT.kubernetes)! };
    const job = await world.begun('upgradeKubernetesCluster', upgrade);
    await cluster.reaches(job, 'node.upgrade.worker');
    await cluster.change('cancelKubernetesClusterOperation', { kubernetesclusterid: cluster.id });
    const { job_status } = await world.jobEnds(job, CREATE_SECONDS);
    assert.equal(job_status, 2);
    const row = await cluster.row();
    say(`after the cancel: ${String(row['state'])}, ${String(row['reason'])}`);
    assert.equal(row['state'], 'Running');
    assert.match(String(row['reason']), /MixedVersions/);
    const nodes = await cluster.nodes();
    assert(
      nodes.every(({ spec }) => spec.unschedulable === undefined),
      'no node is left cordoned',
    );
    await cluster.expectServes();
    await cluster.change('upgradeKubernetesCluster', upgrade, 2 * CREATE_SECONDS);
    await cluster.storeKubeconfig();
    await cluster.expectHealthy({ version: NEXT.kubernetes });
    await cluster.delete();
    cluster.expectNothingLeft();
  },
};
