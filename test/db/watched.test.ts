import { now } from '../../db/knex.js';
import { readNodes } from '../../db/nodes.js';
import { readWatchedMachines, readWatchedMarks } from '../../db/seen.js';
import { onEachEngine } from './engines.js';
import { makeWorld, reserveAll } from './world.js';

onEachEngine((engines) => {
  it('a host is marked by the machines that are watched on it, as they are', async () => {
    const world = await makeWorld(engines);
    const { db } = world;
    const cluster = await world.addCluster('demo', { controlNodes: 1, workers: 1 });
    await reserveAll(db, cluster.uuid);
    const { host_id } = (await readNodes(db, cluster.uuid))[0]!;
    const hostId = String(host_id);
    await db('vm_instance').update({ host_id: hostId, state: 'Running', update_time: now(db) });
    const mark = async () => (await readWatchedMarks(db, [hostId, 'another'])).get(hostId);
    const changes = async (change: () => PromiseLike<unknown>) => {
      const before = await mark();
      await new Promise((resolve) => setTimeout(resolve, 5));
      await change();
      return (await mark()) !== before;
    };
    const [first, second] = await readWatchedMachines(db, hostId);
    const vm = (uuid: string) => db('vm_instance').where({ uuid });

    expect(await changes(() => Promise.resolve())).toBe(false);
    expect(await changes(() => vm(first!.uuid).update({ state: 'Stopped', update_time: now(db) }))).toBe(true);
    expect(await changes(() => vm(second!.uuid).update({ removed: now(db) }))).toBe(true);
    expect(await changes(() => world.queue(cluster))).toBe(true);
    // An operation holds all that is left.
    expect(await mark()).toBeUndefined();
    expect(await readWatchedMachines(db, hostId)).toEqual([]);
  });
});
