import assert from 'node:assert/strict';
import { LabCluster, CREATE_SECONDS } from '../cluster.js';
import { labRandom } from '../random.js';
import { Storm } from '../storm.js';
import { FIRST, NEXT } from '../versions.js';
import type { LabCase } from './case.js';

const KILLS = 20;

export const killedAtRandom: LabCase = {
  name: 'create, scale and upgrade with the worker killed at 20 random moments and SSH cut in between: each kubeadm begins once, and nothing is left',
  features: ['durable operations', 'create', 'scale up', 'upgrade', 'cks-node install', 'cks-node init', 'cks-node join', 'cks-node upgrade'],
  next: true,
  async run(world, say) {
    const random = labRandom(say);
    const sum = { kills: 0, cuts: 0 };
    const { cluster, job } = await LabCluster.begin(world, { name: 'storm', version: FIRST.kubernetes });
    const through = async (what: string, job: string) => {
      const storm = new Storm(cluster, random);
      await cluster.succeeds(job, 2 * CREATE_SECONDS).finally(() => storm.stop());
      sum.kills += storm.kills;
      sum.cuts += storm.cuts;
      say(`${what}: the worker was killed ${storm.kills} times, ${storm.cuts} connections were cut`);
    };
    const expectOneEach = (upgrade: number) => {
      for (const machine of cluster.machines()) {
        const { role, name } = machine;
        assert.deepEqual(cluster.kubeadmBegins(machine), { init: role === 'control' ? 1 : 0, join: role === 'worker' ? 1 : 0, upgrade }, `kubeadm on ${name}`);
        const runs = cluster.kubeadmRuns()[name]!;
        assert.equal(runs.length, 1 + upgrade, `runs of kubeadm on ${name}: ${runs.join(', ')}`);
      }
    };

    await through('create', job);
    await cluster.storeKubeconfig();
    await cluster.expectHealthy({ version: FIRST.kubernetes });
    expectOneEach(0);

    let workers = 1;
    const scale = async () => {
      workers = workers === 1 ? 2 : 1;
      await through(`scale to 1+${workers}`, await world.begun('scaleKubernetesCluster', { id: cluster.id, size: String(workers) }));
    };
    await scale();
    await cluster.expectHealthy({ version: FIRST.kubernetes, workers });
    expectOneEach(0);

    const target = world.versions.get(NEXT.kubernetes)!;
    await through('upgrade', await world.begun('upgradeKubernetesCluster', { id: cluster.id, kubernetesversionid: target }));
    await cluster.storeKubeconfig();
    await cluster.expectHealthy({ version: NEXT.kubernetes, workers });
    expectOneEach(1);
    while (sum.kills < KILLS) await scale();
    await cluster.expectHealthy({ version: NEXT.kubernetes, workers });
    await cluster.expectServes();
    say(`${sum.kills} kills and ${sum.cuts} cuts in all`);
    assert(sum.cuts > 0, 'connections were cut');
    await cluster.delete();
    cluster.expectNothingLeft();
  },
}; // prettier-ignore
