import { readRestingClusters } from '../../db/seen.js';
import { onEachEngine } from './engines.js';
import { makeWorld, type World } from './world.js';

onEachEngine((engines) => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld(engines);
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      const { uuid } = await world.addCluster(name);
      await world.db('kubernetes_cluster').where({ uuid }).update({ state: 'Running' });
    }
  });

  test('resting clusters come in turn, some at a time, and none twice at once', async () => {
    const seen: string[] = [];
    let after = 0;
    for (let i = 0; i < 4; i++) {
      const part = await readRestingClusters(world.db, world.zone.uuid, after, 2);
      seen.push(part.map(({ name }) => name).join(''));
      after = part.at(-1)!.id;
    }
    expect(seen).toEqual(['ab', 'cd', 'ea', 'bc']);
  });

  test('where there are few, each comes once at a time', async () => {
    const all = await readRestingClusters(world.db, world.zone.uuid, 0, 9);
    expect(all.map(({ name }) => name).join('')).toBe('abcde');
    const again = await readRestingClusters(world.db, world.zone.uuid, all[2]!.id, 9);
    expect(again.map(({ name }) => name).join('')).toBe('deabc');
  });

  test('one that an operation holds is left out', async () => {
    const cluster = await world.db('kubernetes_cluster').where({ name: 'b' }).first<never>();
    await world.queue(cluster, { kind: 'stop' });
    const rest = await readRestingClusters(world.db, world.zone.uuid, 0, 9);
    expect(rest.map(({ name }) => name).join('')).toBe('acde');
  });
});
