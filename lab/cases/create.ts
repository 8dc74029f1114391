import assert from 'node:assert/strict';
import { LabCluster, CREATE_SECONDS } from '../cluster.js';
import { expectNoMetadata } from '../metadata.js';
import { labRandom } from '../random.js';
import { FIRST } from '../versions.js';
import { sleep } from '../world.js';
import type { LabCase } from './case.js';

const version = FIRST.kubernetes;

export const createAndDelete: LabCase = {
  name: 'create 1+1: nodes Ready, CoreDNS runs, a pod serves through a service; delete leaves nothing',
  features: ['create', 'delete', 'kubeconfig', 'version media', 'default CNI', 'CoreDNS', 'cloud controller secret', 'isolated network', 'port forwarding and firewall', 'no metadata server'],
  core: true,
  async run(world) {
    const cluster = await LabCluster.create(world, { name: 'first', version });
    await cluster.expectHealthy({ version });
    await cluster.expectServes();
    await cluster.expectCloudSecret();
    await expectNoMetadata(cluster);
    await cluster.delete();
    cluster.expectNothingLeft();
  },
}; // prettier-ignore

export const killedInCreate: LabCase = {
  name: 'create goes on after kill -9 of the worker during kubeadm init, with one kubeadm ever',
  features: ['create', 'durable operations', 'cks-node init', 'cks-node install'],
  core: true,
  async run(world, say) {
    const { cluster, job } = await LabCluster.begin(world, { name: 'killed', version });
    const random = labRandom(say);
    for (const kind of ['node.install', 'node.init', 'node.join.worker']) {
      await cluster.reaches(job, kind);
      const seconds = 3 * random();
      await sleep(1000 * seconds);
      await world.kill('worker');
      say(`killed the worker ${seconds.toFixed(1)} s after ${kind} had begun`);
    }
    await cluster.succeeds(job, CREATE_SECONDS);
    await cluster.storeKubeconfig();
    await cluster.expectHealthy({ version });
    for (const [machine, runs] of Object.entries(cluster.kubeadmRuns())) assert.equal(runs.length, 1, `runs of kubeadm on ${machine}: ${runs.join(', ')}`); // prettier-ignore
    await cluster.delete();
    cluster.expectNothingLeft();
  },
};
