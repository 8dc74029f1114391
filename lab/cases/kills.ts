import assert from 'node:assert/strict';
import { LabCluster } from '../cluster.js';
import { Storms } from '../storm.js';
import { FIRST, MINORS, NEXT, type Minor } from '../versions.js';
import type { LabCase } from './case.js';

const KILLS = 20;

export const killedAtRandom: LabCase = {
  name: 'create, scale and upgrade with the worker killed at 20 random moments and SSH cut in between: each kubeadm begins once, and nothing is left',
  features: ['durable operations', 'create', 'scale up', 'upgrade', 'cks-node install', 'cks-node init', 'cks-node join', 'cks-node upgrade'],
  next: true,
  async run(world, say) {
    const { cluster, job } = await LabCluster.begin(world, { name: 'storm', version: FIRST.kubernetes });
    const storms = new Storms(cluster, say);
    const expectOneEach = (upgrade: number) => {
      for (const machine of cluster.machines()) {
        const { role, name } = machine;
        assert.deepEqual(cluster.kubeadmBegins(machine), { init: role === 'control' ? 1 : 0, join: role === 'worker' ? 1 : 0, upgrade, reset: 0 }, `kubeadm on ${name}`);
        const runs = cluster.kubeadmRuns()[name]!;
        assert.equal(runs.length, 1 + upgrade, `runs of kubeadm on ${name}: ${runs.join(', ')}`);
      }
    };

    await storms.through('create', job);
    await cluster.storeKubeconfig();
    await cluster.expectHealthy({ version: FIRST.kubernetes });
    expectOneEach(0);

    let workers = 1;
    const scale = async () => {
      workers = workers === 1 ? 2 : 1;
      await storms.through(`scale to 1+${workers}`, await world.begun('scaleKubernetesCluster', { id: cluster.id, size: String(workers) }));
    };
    await scale();
    await cluster.expectHealthy({ version: FIRST.kubernetes, workers });
    expectOneEach(0);

    const target = world.versions.get(NEXT.kubernetes)!;
    await storms.through('upgrade', await world.begun('upgradeKubernetesCluster', { id: cluster.id, kubernetesversionid: target }));
    await cluster.storeKubeconfig();
    await cluster.expectHealthy({ version: NEXT.kubernetes, workers });
    expectOneEach(1);
    while (storms.kills < KILLS) await scale();
    await cluster.expectHealthy({ version: NEXT.kubernetes, workers });
    await cluster.expectServes();
    say(`${storms.kills} kills and ${storms.cuts} cuts in all`);
    assert(storms.cuts > 0, 'connections were cut');
    await cluster.delete();
    cluster.expectNothingLeft();
  },
}; // prettier-ignore

/** More days than a certificate of kubeadm lasts: a start renews them. */
const ALL_ARE_DUE = '400';

const killedInTheRestOf = ({ kubernetes: version }: Minor): LabCase => ({
  name: `an etcd node, a machine of the user’s own added and removed, stop, start with new certificates: the worker killed at 20 random moments, SSH cut in between, and each run begins once${version === NEXT.kubernetes ? ', on the next minor' : ''}`,
  features: ['durable operations', 'dedicated etcd', 'add nodes', 'remove nodes', 'stop', 'start', 'cks-node etcd install', 'cks-node join', 'cks-node reset', 'cks-node renew'],
  next: version === NEXT.kubernetes,
  async run(world, say) {
    const { cluster, job } = await LabCluster.begin(world, { name: 'rest', version, more: { etcdnodes: '1' } });
    const storms = new Storms(cluster, say);
    await storms.through('create', job);
    await cluster.storeKubeconfig();
    await cluster.expectHealthy({ version });
    const machine = (role: string) => cluster.machines().find((one) => one.role === role)!;
    assert.equal(cluster.results(machine('etcd'), 'etcd-install').length, 1, 'runs that installed etcd');
    assert.equal(cluster.kubeadmBegins(machine('control')).init, 1, 'kubeadm init');

    const mine = await cluster.deployMachine('guest');
    const change = async (what: string, command: string, more = {}) => storms.through(what, await world.begun(command, { id: cluster.id, ...more }));
    const setting = (value: string) => world.cs('updateConfiguration', { name: 'cks.certificate.renew.days', value });
    for (let round = 1; storms.kills < KILLS; round++) {
      await change('add the machine', 'addNodesToKubernetesCluster', { nodeids: mine.uuid });
      await cluster.expectHealthy({ version, workers: 2 });
      const removal = await world.begun('removeNodesFromKubernetesCluster', { id: cluster.id, nodeids: mine.uuid });
      await storms.killIn('node.reset', 'remove it', removal);
      const begins = cluster.kubeadmBegins(mine);
      assert.deepEqual(begins, { init: 0, join: round, upgrade: 0, reset: round }, 'kubeadm on the machine');

      await change('stop', 'stopKubernetesCluster');
      await setting(ALL_ARE_DUE);
      const start = await world.begun('startKubernetesCluster', { id: cluster.id });
      // The start has it from its beginning on; for the scan nothing shall be due.
      await setting('30');
      await storms.through('start', start);
      await cluster.storeKubeconfig();
      await cluster.expectHealthy({ version });
      const renewals = cluster.results(machine('control'), 'renew').map(({ result, error }) => result['renewed'] ?? error);
      assert.deepEqual(renewals, Array.from({ length: round }, () => 'yes'), 'renewals on the control node');
    }
    await cluster.expectServes();
    say(`${storms.kills} kills and ${storms.cuts} cuts in all`);
    assert(storms.cuts > 0, 'connections were cut');
    await cluster.change('destroyVirtualMachine', { id: mine.uuid, expunge: 'true' });
    await cluster.delete();
    cluster.expectNothingLeft();
  },
}); // prettier-ignore

export const killedInTheRest = MINORS.map(killedInTheRestOf);
