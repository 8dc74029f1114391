import { readNodes } from '../../db/nodes.js';
import type { ClusterRow } from '../../db/rows.js';
import { readOddClusters } from '../../db/seen.js';
import { onEachEngine } from './engines.js';
import { makeWorld, reserveAll, type World } from './world.js';

/** The statement says first, for all clusters at once, which Running ones need not be counted node by node. */
onEachEngine((engines) => {
  let world: World;
  let hosts: string[];
  const ids: Record<string, string> = {};
  const machines: Record<string, string[]> = {};
  const odd = async () => (await readOddClusters(world.db, world.zone.uuid)).map(({ name }) => name).sort().join(' '); // prettier-ignore
  const cluster = (name: string, row: object) => world.db('kubernetes_cluster').where({ uuid: ids[name] }).update(row);
  const machine = (name: string, row: object) => world.db('vm_instance').where({ uuid: machines[name]![1] }).update(row); // prettier-ignore
  const node = (name: string) => world.db('kubernetes_cluster_vm_map').where({ vm_id: machines[name]![1] });

  beforeAll(async () => {
    world = await makeWorld(engines);
    hosts = (await world.db('host').orderBy('id').pluck<string[]>('uuid')).slice(0, 2);
    for (const name of ['a', 'b', 'c']) {
      ids[name] = (await world.addCluster(name)).uuid;
      await reserveAll(world.db, ids[name]);
      machines[name] = (await readNodes(world.db, ids[name])).map(({ vm_id }) => vm_id);
    }
  });
  beforeEach(async () => {
    await world.db('operation').update({ active_cluster_id: null });
    await world.db('host').update({ status: 'Up' });
    await world.db('kubernetes_cluster').update({ state: 'Running', reason: null, node_count: 1 });
    await world.db('kubernetes_cluster_vm_map').update({ phase: 'ready', external_node: 0 });
    await world.db('vm_instance').update({ state: 'Running', managed: 1, host_id: hosts[0]! });
  });

  test('none is odd whose nodes all run', async () => {
    expect(await odd()).toBe('');
  });

  test.each(['Stopped', 'Error'])('a Running one is with a machine in %s', async (state) => {
    await machine('b', { state });
    expect(await readOddClusters(world.db, world.zone.uuid)).toMatchObject([
      { name: 'b', expected: 2, nodes: 2, running: 1, ownRunning: 1 },
    ]);
  });

  test('a Running one is with a machine on a host that is down', async () => {
    await machine('c', { host_id: hosts[1]! });
    await world.db('host').where({ uuid: hosts[1]! }).update({ status: 'Down' });
    expect(await odd()).toBe('c');
  });

  test('a Running one is that has fewer nodes than it is to have', async () => {
    await cluster('a', { node_count: 2 });
    expect(await odd()).toBe('a');
  });

  test('of more nodes than there are to be, one that is off makes it odd once it is in the cluster', async () => {
    await cluster('a', { node_count: 0 });
    await machine('a', { state: 'Stopped' });
    await node('a').update({ phase: 'reserved' });
    expect(await odd()).toBe('');
    await node('a').update({ phase: 'joined' });
    expect(await odd()).toBe('a');
  });

  test('a machine of which nobody can tell is taken to run', async () => {
    await machine('a', { state: 'Stopped', managed: 0, host_id: null });
    expect(await odd()).toBe('');
  });

  test('a Stopped one is when a machine of its own runs, and one in Alert always', async () => {
    await cluster('a', { state: 'Stopped' });
    await cluster('b', { state: 'Stopped' });
    await cluster('c', { state: 'Alert' });
    await world.db('vm_instance').whereIn('uuid', machines['b']!).update({ state: 'Stopped' });
    expect(await odd()).toBe('a c');
  });

  test('one that an operation holds is left to it', async () => {
    await machine('a', { state: 'Stopped' });
    const row = (await world.db<ClusterRow>('kubernetes_cluster').where({ uuid: ids['a']! }).first())!;
    expect((await world.queue(row, { kind: 'stop' })).refused).toBeUndefined();
    expect(await odd()).toBe('');
  });
});
