import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LabCluster } from '../cluster.js';
import { FIRST } from '../versions.js';
import { BudgetedWorkload } from '../workload.js';
import type { LabCase } from './case.js';

const version = FIRST.kubernetes;

export const externalMachine: LabCase = {
  name: "a machine of the user's own becomes a worker, and leaves again drained and reset, running as before",
  features: ['add nodes', 'remove nodes', 'drain', 'deployVirtualMachine', 'cks-node reset'],
  async run(world, say) {
    const cluster = await LabCluster.shared(world, { name: 'life', version });
    const mine = await cluster.deployMachine('mine');
    const nodes = { id: cluster.id, nodeids: mine.uuid };

    await cluster.change('addNodesToKubernetesCluster', nodes);
    await cluster.expectHealthy({ version, workers: 2 });
    await cluster.expectServes();
    const workload = await BudgetedWorkload.start(cluster, 4);
    assert((await cluster.podsOn('mine')).some((name) => name.startsWith('steady-')), 'the machine has pods of the workload'); // prettier-ignore

    await cluster.change('removeNodesFromKubernetesCluster', nodes);
    await cluster.expectHealthy({ version });
    await cluster.kubectl('rollout', 'status', 'deployment/steady', '--timeout=120s');
    await workload.stayed(say);
    const { state } = await world.first('listVirtualMachines', { id: mine.uuid });
    assert.equal(state, 'Running');
    assert(world.domains().running.includes(mine.instance_name), 'the machine runs on');
    for (const file of ['etc/kubernetes/kubelet.conf', 'var/lib/kubelet/config.yaml'])
      assert(!existsSync(join(cluster.root(mine), file)), `${file} is gone from the machine`);
    await cluster.change('destroyVirtualMachine', { id: mine.uuid });
  },
};
