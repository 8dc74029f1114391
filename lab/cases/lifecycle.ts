import assert from 'node:assert/strict';
import { LabCluster, CREATE_SECONDS } from '../cluster.js';
import { FIRST, NEXT } from '../versions.js';
import { BudgetedWorkload } from '../workload.js';
import type { LabCase } from './case.js';

const version = FIRST.kubernetes;
const wish = { name: 'life', version };

export const stopAndStart: LabCase = {
  name: 'stop and start: machines off, then nodes Ready by name, and a pod serves again',
  features: ['stop', 'start'],
  async run(world) {
    const cluster = await LabCluster.shared(world, wish);
    await cluster.change('stopKubernetesCluster', { id: cluster.id });
    assert.equal((await cluster.row())['state'], 'Stopped');
    for (const { instance_name } of cluster.machines()) assert(!world.domains().running.includes(instance_name), `${instance_name} is off`); // prettier-ignore
    await cluster.change('startKubernetesCluster', { id: cluster.id });
    await cluster.expectHealthy({ version });
    await cluster.expectServes();
  },
};

export const scaleUpAndDown: LabCase = {
  name: 'scale to 1+2 and back: the leaving worker is drained, the workload stays within its budget',
  features: ['scale up', 'scale down', 'drain'],
  async run(world, say) {
    const cluster = await LabCluster.shared(world, wish);
    await cluster.change('scaleKubernetesCluster', { id: cluster.id, size: '2' });
    await cluster.expectHealthy({ version, workers: 2 });
    await cluster.expectServes();
    const workload = await BudgetedWorkload.start(cluster, 4);
    await cluster.change('scaleKubernetesCluster', { id: cluster.id, size: '1' });
    await cluster.expectHealthy({ version });
    await cluster.kubectl('rollout', 'status', 'deployment/steady', '--timeout=120s');
    await workload.stayed(say);
  },
};

export const upgradeWithBudget: LabCase = {
  name: 'upgrade to the next minor, the worker killed during it: every node Ready at it, the workload never below its budget',
  features: ['upgrade', 'cks-node prestage', 'cks-node upgrade', 'cks-node etcd save', 'durable operations'],
  next: true,
  async run(world, say) {
    const cluster = await LabCluster.shared(world, wish);
    await cluster.change('scaleKubernetesCluster', { id: cluster.id, size: '2' });
    const workload = await BudgetedWorkload.start(cluster, 4);
    const job = await world.begun('upgradeKubernetesCluster', { id: cluster.id, kubernetesversionid: world.versions.get(NEXT.kubernetes)! }); // prettier-ignore
    for (const kind of ['node.upgrade.first', 'node.upgrade.worker']) {
      await cluster.reaches(job, kind);
      await world.kill('worker');
      say(`killed the worker during ${kind}`);
    }
    await cluster.succeeds(job, 2 * CREATE_SECONDS);
    await cluster.storeKubeconfig();
    await cluster.expectHealthy({ version: NEXT.kubernetes, workers: 2 });
    await cluster.expectServes();
    await workload.stayed(say);
    await cluster.delete();
    cluster.expectNothingLeft();
  },
}; // prettier-ignore
