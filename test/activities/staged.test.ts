import { MockActivityEnvironment } from '@temporalio/testing';
import type { Guests } from '../../activities/node/guest.js';
import { upgradeActivities } from '../../activities/node/upgrade.js';
import { readNodes } from '../../db/nodes.js';
import { fault } from '../../workflows/model/fault.js';
import type { FaultCode } from '../../workflows/model/faults.js';
import { onEachEngine } from '../db/engines.js';
import { makeWorld, reserveAll } from '../db/world.js';

const NODE = { role: 'control', index: 1 } as const;

onEachEngine((engines) => {
  it.each<[string, FaultCode, string | null]>([
    ['that refuses its upgrade is staged again by a further attempt', 'NodeRefused', null],
    ['whose connection was lost keeps what was staged', 'NodeUnreachable', '1.34.4'],
  ])('a node %s', async (_, code, left) => {
    const world = await makeWorld(engines);
    const { db } = world;
    const cluster = await world.addCluster('demo', { controlNodes: 1, workers: 0 });
    await reserveAll(db, cluster.uuid);
    const [node] = await readNodes(db, cluster.uuid);
    const staged = async () => (await readNodes(db, cluster.uuid))[0]!.staged_version;
    const steps = upgradeActivities({
      deps: { db },
      open: () => Promise.resolve({ cluster, node }),
      runStep: () => Promise.resolve({}),
      run: () => Promise.reject(fault(code, 'it did not go')),
    } as unknown as Guests);
    const ref = { operationId: 'o-1', clusterId: cluster.uuid, line: 7, undo: false };

    await steps.stage(ref, NODE, '1.34.4');
    expect(await staged()).toBe('1.34.4');
    const upgrade = () => steps.upgrade(ref, NODE, '1.34.4', 'first');
    await expect(new MockActivityEnvironment().run(upgrade)).rejects.toThrow('it did not go');
    expect(await staged()).toBe(left);
  });
});
