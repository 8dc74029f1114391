import { setTimeout as sleep } from 'node:timers/promises';
import { dedicateHost } from '../../db/dedicated.js';
import {
  beginHost,
  changeHost,
  deleteHost,
  dropHost,
  hostFound,
  readHostSecret,
  type NewHost,
} from '../../db/hosts.js';
import { readLostWorkers } from '../../db/lost-workers.js';
import { readNodes } from '../../db/nodes.js';
import type { HostRow } from '../../db/rows.js';
import { Secret } from '../../db/secret.js';
import { addStoragePool } from '../../db/storage-pools.js';
import { addZone } from '../../db/zones.js';
import { addVlan } from '../../db/vlans.js';
import { readRange, type Range } from '../../workflows/model/address-range.js';
import { onEachEngine } from './engines.js';
import { makeWorld, reserveAll, type World } from './world.js';

type Reserved = { node: { role: string; index: number }; hostId: string }[] | { failed: string };

onEachEngine((engines) => {
  let world: World;
  const by = { userId: 'someone', accountId: 'a', domainId: 'd' };
  beforeEach(async () => {
    world = await makeWorld(engines);
  });
  const host = (more: Partial<NewHost> = {}): NewHost => ({
    name: 'new', url: 'simulator://127.0.0.1:1/new', zoneId: world.zone.uuid, hypervisor: 'Simulator', tags: null, pool: 'default', fabricUrl: null, fingerprint: null,
    secrets: new Map([['ssh', new Secret('the key')]]), ...more,
  }); // prettier-ignore
  const begin = (more: Partial<NewHost> = {}) => beginHost(world.db, world.sealer, host(more));
  const begun = async (more: Partial<NewHost> = {}): Promise<string> => {
    const answer = await begin(more);
    if ('problem' in answer) throw new Error(answer.problem);
    return answer.uuid;
  };
  const facts = { hypervisor: 'Simulator', arch: 'x86_64', cpus: 8, ramMb: 8192 };
  const reserving = (...clusterIds: string[]) =>
    engines.together<Reserved>(
      clusterIds.map((clusterId) => ({ do: 'reserve' as const, url: world.url, at: 0, clusterId })),
    );
  const at = <T>(act: () => Promise<T>) => sleep(1500).then(act);

  describe('two operations that race for the last place', () => {
    test('of the hosts dedicated to their owner: one gets it, the other hears of every host why not', async () => {
      const [first, second] = await world.db<HostRow>('host').orderBy('id');
      await world.db('host').where({ uuid: first!.uuid }).update({ cpus: 4, ram_mb: 4096 });
      await world.db('host').where({ uuid: second!.uuid }).update({ resource_state: 'Disabled' });
      const domain = { uuid: world.domainId, path: 'ROOT' };
      const account = { uuid: world.accountId, name: 'admin' };
      for (const { uuid } of [first!, second!])
        await dedicateHost(world.db, uuid, { domain, account, by }, () => Promise.resolve());
      const [a, b] = [await world.addCluster('a'), await world.addCluster('b')];
      const ends = await reserving(a.uuid, b.uuid);
      const refused = ends.flatMap((end) => ('failed' in end ? [end.failed] : []));
      expect(refused).toHaveLength(1);
      expect(refused[0]).toContain(
        'no host has room for control machine 1 of 2 (2 CPUs, 2048 MB): host-1: 0 CPUs free; host-2: not enabled; host-3: not dedicated to the owner, and other hosts are',
      );
      const won = ends.find((end) => !('failed' in end)) as { hostId: string }[];
      expect(won.map(({ hostId }) => hostId)).toEqual([first!.uuid, first!.uuid]);
    });
  });

  test('ranges of networks that share the zone’s bridge are never used twice; elsewhere they are, each with its own number', async () => {
    world.zone.guest_cidr = '10.1.0.0/21';
    const ranges = async () => (await world.db('networks').whereNull('removed').orderBy('id').pluck<string[]>('cidr')).slice(-3); // prettier-ignore
    world.zone.network_mode = 'bridge';
    await world.addCluster('a');
    await world.addCluster('b');
    await expect(world.addCluster('c')).rejects.toMatchObject({
      type: 'AddressesExhausted',
      message: expect.stringContaining('its guest range 10.1.0.0/21 holds 2') as string,
    });
    expect(await ranges()).toEqual(['10.1.4.0/22', '10.1.0.0/22']);
    world.zone.network_mode = 'vxlan';
    await world.addCluster('c');
    expect(await ranges()).toEqual(['10.1.4.0/22', '10.1.0.0/22', '10.1.4.0/22']);
  });

  test('a worker on a host that is down is lost, unless its host is in maintenance or somebody works on its cluster', async () => {
    const cluster = await world.addCluster('lost', { workers: 1 });
    await reserveAll(world.db, cluster.uuid);
    const worker = (await readNodes(world.db, cluster.uuid)).find(({ role }) => role === 'worker')!;
    const lost = async () => (await readLostWorkers(world.db, world.zone.uuid)).map(({ uuid, vm_id }) => [uuid, vm_id]);
    await world.db('kubernetes_cluster').where({ uuid: cluster.uuid }).update({ state: 'Alert' });
    expect(await lost()).toEqual([]);
    await world.db('host').where({ uuid: worker.host_id! }).update({ status: 'Down' });
    expect(await lost()).toEqual([[cluster.uuid, worker.vm_id]]);
    await changeHost(world.db, worker.host_id!, { resourceState: 'Maintenance' }, by);
    expect(await lost()).toEqual([]);
    await changeHost(world.db, worker.host_id!, { resourceState: 'Disabled' }, by);
    expect(await lost()).toHaveLength(1);
    expect(await world.queue(cluster, { kind: 'replaceNode', command: 'replaceKubernetesNode' })).not.toHaveProperty('refused'); // prettier-ignore
    expect(await lost()).toEqual([]);
  });

  test('a host that is deleted while a machine is placed on it: one of the two comes too late', async () => {
    const only = await world.onlyRoomFor(2);
    const cluster = await world.addCluster('late');
    const [[reserved], deleted] = await Promise.all([
      reserving(cluster.uuid),
      at(() => deleteHost(world.db, only.uuid, by)),
    ]);
    const machines = await world.db('vm_instance').where({ host_id: only.uuid });
    const row = await world.db<HostRow>('host').where({ uuid: only.uuid }).first();
    if (deleted === undefined) {
      expect(reserved).toHaveProperty('failed');
      expect([machines.length, row!.removed !== null]).toEqual([0, true]);
    } else {
      expect(deleted).toContain('has machines: k8s-late-');
      expect([machines.length, row!.removed]).toEqual([2, null]);
    }
  });

  test('a host that is dedicated to others while a machine is placed on it: one of the two comes too late', async () => {
    const only = await world.onlyRoomFor(2);
    const cluster = await world.addCluster('late');
    const domain = { uuid: 'elsewhere', path: 'ROOT/else' };
    await world.db('domain').insert({ ...domain, name: 'else', level: 1, created: '2026-01-01 00:00:00.000' });
    const [[reserved], dedicated] = await Promise.all([
      reserving(cluster.uuid),
      at(() => dedicateHost(world.db, only.uuid, { domain, account: undefined, by }, () => Promise.resolve('done'))),
    ]);
    const machines = await world.db('vm_instance').where({ host_id: only.uuid });
    expect([machines.length > 0, !('failed' in reserved!)]).toEqual([!('done' in dedicated), !('done' in dedicated)]);
  });

  test('a host that two add at once is added once', async () => {
    const ends = await Promise.all([begin(), begin(), begin({ name: 'other' })]);
    expect(ends.filter((end) => 'uuid' in end)).toHaveLength(1);
    expect(await world.db('host').where({ url: host().url })).toHaveLength(1);
  });

  test('a host that two add at once to different zones, and a zone that two make at once, are made once', async () => {
    const zone = (name: string) => addZone(world.db, world.sealer, { name, hypervisor: 'Simulator', gateway_url: 'g', guest_cidr: '10.0.0.0/8', network_mode: 'bridge', enabled: true, dns1: null, bridge: null, public_bridge: null, internal_cidr: null, secrets: new Map() }, by); // prettier-ignore
    const zones = await Promise.all([zone('z'), zone('Z'), zone('z')]);
    const [made] = zones.filter((each) => each !== undefined);
    expect(zones.filter((each) => each !== undefined)).toHaveLength(1);
    const ends = await Promise.all([begin(), begin({ zoneId: made!.uuid, name: 'elsewhere' })]);
    expect(ends.filter((end) => 'uuid' in end)).toHaveLength(1);
  });

  test('a host takes no machines before it was found, and is found once', async () => {
    await world.db('host').update({ resource_state: 'Disabled' });
    const uuid = await begun();
    const cluster = await world.addCluster('waiting');
    const [early] = await reserving(cluster.uuid);
    expect(early).toMatchObject({ failed: expect.stringContaining('new: not enabled') as string });
    expect(await hostFound(world.db, uuid, facts, true, by)).toBe(true);
    expect(await hostFound(world.db, uuid, { ...facts, cpus: 99 }, true, by)).toBe(false);
    expect(await world.db<HostRow>('host').where({ uuid }).first()).toMatchObject({ status: 'Up', cpus: 8 });
    const [reserved] = await reserving(cluster.uuid);
    expect(reserved).toMatchObject([{ hostId: uuid }, { hostId: uuid }]);
  });

  test('an add that is taken back leaves neither row nor keys; a host that was found stays', async () => {
    const uuid = await begun();
    expect((await readHostSecret(world.db, world.sealer, uuid, 'ssh'))?.reveal()).toBe('the key');
    await dropHost(world.db, uuid);
    expect([await world.db('host').where({ uuid }), await readHostSecret(world.db, world.sealer, uuid, 'ssh')]).toEqual([[], undefined]); // prettier-ignore
    const found = await begun();
    await hostFound(world.db, found, facts, true, by);
    await dropHost(world.db, found);
    expect(await world.db('host').where({ uuid: found })).toHaveLength(1);
    expect((await readHostSecret(world.db, world.sealer, found, 'ssh'))?.reveal()).toBe('the key');
  });

  test('ranges of addresses that overlap are added once when they come at once', async () => {
    const add = (startip: string, endip: string) => {
      const text = { startip, endip, gateway: '203.0.113.1', netmask: '255.255.255.0', vlan: 'untagged' };
      return addVlan(world.db, world.zone.uuid, text, readRange(text) as Range, by);
    };
    const ends = await Promise.all([add('203.0.113.10', '203.0.113.20'), add('203.0.113.15', '203.0.113.30'), add('203.0.113.2', '203.0.113.12')]); // prettier-ignore
    expect(ends.filter((end) => 'uuid' in end)).toHaveLength(1);
    expect(await world.db('vlan')).toHaveLength(1);
    const rows = await world.db('user_ip_address').whereNotNull('vlan_id').pluck<string[]>('public_ip_address');
    expect(new Set(rows).size).toBe(rows.length);
  });

  test('a pool becomes that of empty hosts only', async () => {
    const only = await world.onlyRoomFor(2);
    const cluster = await world.addCluster('stored');
    await reserving(cluster.uuid);
    const pool = { name: 'fast', poolType: 'dir', url: 'dir:///srv', zoneId: world.zone.uuid, hostId: undefined, tags: null }; // prettier-ignore
    expect(await addStoragePool(world.db, pool, by)).toEqual({
      problem: expect.stringContaining(`machines in another one: ${only.name} (default)`) as string,
    });
    expect(await world.db('host').pluck('pool')).toEqual(['default', 'default', 'default']);
    await world.db('vm_instance').delete();
    expect(await addStoragePool(world.db, pool, by)).toHaveProperty('uuid');
    expect(await world.db('host').pluck('pool')).toEqual(['fast', 'fast', 'fast']);
    expect(await addStoragePool(world.db, pool, by)).toEqual({ problem: 'There is a storage pool named fast already' });
  });
});
