import { randomUUID } from 'node:crypto';
import { addAffinityGroup, deleteAffinityGroup, replaceClusterGroups } from '../../db/affinity.js';
import { dedicateHost, listDedicatedHosts, releaseDedicatedHost } from '../../db/dedicated.js';
import { deleteHost, recordFacts } from '../../db/hosts.js';
import { now, transact } from '../../db/knex.js';
import { writeSetting } from '../../db/configuration.js';
import { takeRoom } from '../../db/reserve.js';
import { readHostRooms } from '../../db/rooms.js';
import type { HostRow, NodeRole } from '../../db/rows.js';
import { place, type HostRoom } from '../../workflows/model/placement.js';
import { onEachEngine } from './engines.js';
import { makeWorld, type World } from './world.js';

onEachEngine((engines) => {
  let world: World;
  let hosts: HostRow[];
  const by = { userId: 'someone', accountId: 'a', domainId: 'd' };
  beforeEach(async () => {
    world = await makeWorld(engines);
    hosts = await world.db<HostRow>('host').orderBy('id');
  });

  const addDomain = async (path: string, level: number): Promise<{ uuid: string; path: string }> => {
    const uuid = randomUUID();
    await world.db('domain').insert({ uuid, name: path.split('/').at(-1), path, level, created: now(world.db) });
    return { uuid, path };
  };
  const addAccount = async (name: string, domainId: string): Promise<{ uuid: string; name: string }> => {
    const uuid = randomUUID();
    await world.db('account').insert({ uuid, account_name: name, type: 0, domain_id: domainId, state: 'enabled', created: now(world.db) }); // prettier-ignore
    return { uuid, name };
  };
  const addMachine = async (name: string, accountId: string, hostId: string, node?: { clusterId: string; role: NodeRole }) => {
    const uuid = randomUUID();
    await world.db('vm_instance').insert({
      uuid, name, instance_name: `i-${uuid}`, display_name: name, data_center_id: world.zone.uuid, host_id: hostId, service_offering_id: 'o', template_id: 't', account_id: accountId,
      domain_id: 'd', user_id: 'u', state: 'Running', vm_type: 'User', hypervisor_type: 'Simulator', network_id: 'n', mac_address: '', root_disk_gb: 8, created: now(world.db),
    }); // prettier-ignore
    if (node)
      await world.db('kubernetes_cluster_vm_map').insert({
        cluster_id: node.clusterId, vm_id: uuid, role: node.role, role_index: Math.floor(Math.random() * 1e6), control_node: Number(node.role === 'control'), etcd_node: Number(node.role === 'etcd'),
        external_node: 0, manual_upgrade: 0, phase: 'ready',
      }); // prettier-ignore
    return uuid;
  }; // prettier-ignore
  const dedicate = (host: number, domain: { uuid: string; path: string }, account?: { uuid: string; name: string }) =>
    dedicateHost(world.db, hosts[host]!.uuid, { domain, account, by }, () => Promise.resolve('done'));
  const rooms = (more: Partial<Parameters<typeof readHostRooms>[1]> = {}) =>
    readHostRooms(world.db, { zoneId: world.zone.uuid, ...more });
  const addGroup = async (name: string, type: string, accountId = world.accountId) =>
    (await addAffinityGroup(world.db, { accountId, domainId: world.domainId, userId: 'u' }, { name, type, description: undefined }, (_, uuid) => Promise.resolve(uuid)))!; // prettier-ignore
  const byName = (found: HostRoom[], name: string) => found.find((room) => room.name === name)!;

  describe('the rooms of a zone', () => {
    test('tell what is left, the tags, and which hosts take machines', async () => {
      await world.db('host').where({ uuid: hosts[0]!.uuid }).update({ cpus: 8, cpus_used: 3, ram_mb: 1000, ram_mb_used: 250, tags: 'ssd, gpu,' }); // prettier-ignore
      await world.db('host').where({ uuid: hosts[1]!.uuid }).update({ resource_state: 'Disabled' });
      await world.db('host').where({ uuid: hosts[2]!.uuid }).update({ status: 'Creating' });
      const [first, second, third] = await rooms();
      expect(first).toMatchObject({ freeCpus: 5, freeRamMb: 750, tags: ['ssd', 'gpu'], enabled: true, groups: [] });
      expect([second!.enabled, third!.enabled, second!.tags]).toEqual([false, false, []]);
    });

    test('are as many times what the host has as cpu.overprovisioning.factor and mem.overprovisioning.factor say', async () => {
      await world.db('host').where({ uuid: hosts[0]!.uuid }).update({ cpus: 8, cpus_used: 3, ram_mb: 1000, ram_mb_used: 250 }); // prettier-ignore
      await writeSetting(world.db, 'cpu.overprovisioning.factor', '4');
      await writeSetting(world.db, 'mem.overprovisioning.factor', '2');
      expect((await rooms())[0]).toMatchObject({ freeCpus: 29, freeRamMb: 1750 });
      const machine = await addMachine('n', world.accountId, hosts[0]!.uuid);
      const take = (cpus: number, ramMb: number) =>
        transact(world.db, (trx) => takeRoom(trx, hosts[0]!.uuid, machine, { cpus, ramMb }, 'worker-1'));
      await expect(take(30, 1)).rejects.toThrow('the last room');
      await expect(take(1, 1751)).rejects.toThrow('the last room');
      await take(29, 1750);
      await world.db('configuration').delete();
    });

    test('count control and etcd nodes of the cluster that is asked for, and of no other', async () => {
      const [one, two] = [await world.addCluster('one'), await world.addCluster('two')];
      for (const [role, host] of [
        ['control', 0],
        ['control', 0],
        ['etcd', 0],
        ['etcd', 1],
        ['worker', 1],
      ] as const)
        // prettier-ignore
        await addMachine('n', world.accountId, hosts[host]!.uuid, { clusterId: one.uuid, role });
      await addMachine('n', world.accountId, hosts[0]!.uuid, { clusterId: two.uuid, role: 'control' });
      const counts = (await rooms({ clusterId: one.uuid })).map(({ controls, etcds }) => [controls, etcds]);
      expect(counts).toEqual([[2, 1], [0, 1], [0, 0]]); // prettier-ignore
    });

    test('tell how near a dedication is to the owner', async () => {
      const root = await world.db('domain').where({ path: 'ROOT' }).first<{ uuid: string; path: string }>();
      const eng = await addDomain('ROOT/eng', 1);
      const qa = await addDomain('ROOT/eng/qa', 2);
      const engineering = await addDomain('ROOT/engineering', 1);
      const alice = await addAccount('alice', qa.uuid);
      expect(await dedicate(0, qa, alice)).toEqual({ done: 'done' });
      await dedicate(1, eng);
      const seen = async (accountId: string, domainId: string) =>
        (await rooms({ accountId, domainId })).map(({ dedicatedTo }) => dedicatedTo?.distance);
      expect(await seen(alice.uuid, qa.uuid)).toEqual([0, 2, undefined]);
      expect(await seen('bob', qa.uuid)).toEqual([null, 2, undefined]);
      expect(await seen('carol', eng.uuid)).toEqual([null, 1, undefined]);
      expect(await seen('dave', engineering.uuid)).toEqual([null, null, undefined]);
      expect(await seen(world.accountId, root.uuid)).toEqual([null, null, undefined]);
      expect((await rooms()).map(({ dedicatedTo }) => dedicatedTo?.distance)).toEqual([null, null, undefined]);
    });

    test('count the machines of the cluster’s groups: users’ own and other clusters’ nodes of the role', async () => {
      const [mine, other] = [await world.addCluster('mine'), await world.addCluster('other')];
      const anti = await addGroup('apart', 'host anti-affinity');
      const near = await addGroup('near', 'non-strict host affinity');
      await transact(world.db, async (trx) => {
        await replaceClusterGroups(trx, mine, { worker: [anti, near], control: [near] });
        await replaceClusterGroups(trx, other, { worker: [anti] });
      });
      await addMachine('w', world.accountId, hosts[0]!.uuid, { clusterId: other.uuid, role: 'worker' });
      await addMachine('c', world.accountId, hosts[2]!.uuid, { clusterId: other.uuid, role: 'control' });
      const own = await addMachine('own', world.accountId, hosts[1]!.uuid);
      const gone = await addMachine('gone', world.accountId, hosts[2]!.uuid);
      for (const vm_id of [own, gone])
        await world.db('affinity_group_vm_map').insert({ affinity_group_id: anti, vm_id });
      await world
        .db('vm_instance')
        .where({ uuid: gone })
        .update({ removed: now(world.db) });
      const found = await rooms({ clusterId: mine.uuid });
      const members = (id: string) => found.map(({ groups }) => groups!.find((group) => group.id === id)?.members);
      expect(members(anti)).toEqual([1, 1, 0]);
      expect(members(near)).toEqual([0, 0, 0]);
      expect(found[0]!.groups).toMatchObject([
        { name: 'apart', kind: 'anti-affinity', strict: true, roles: ['worker'] },
        { name: 'near', kind: 'affinity', strict: false, roles: ['control', 'worker'] },
      ]);
      const placed = place(found, { arch: 'x86_64', machines: [{ role: 'worker', cpus: 2, ramMb: 2048 }] });
      expect(placed).toEqual({ hosts: [hosts[2]!.uuid] });
      const planned = await rooms({ groups: { etcd: [anti] } });
      expect(planned[0]!.groups).toMatchObject([{ id: anti, roles: ['etcd'], members: 1 }]);
    });

    test('of two hundred hosts with dedications and groups take as few queries as of three', async () => {
      const cluster = await world.addCluster('large');
      const group = await addGroup('apart', 'host anti-affinity');
      await transact(world.db, (trx) => replaceClusterGroups(trx, cluster, { worker: [group] }));
      const count = async () => {
        let queries = 0;
        const listener = () => queries++;
        world.db.on('query', listener);
        await rooms({ clusterId: cluster.uuid, accountId: world.accountId, domainId: world.domainId });
        world.db.removeListener('query', listener);
        return queries;
      };
      const eng = await addDomain('ROOT/eng', 1);
      await dedicate(0, eng);
      const few = await count();
      for (let i = 0; i < 200; i += 50)
        await world.db('host').insert(
          Array.from({ length: 50 }, (_, j) => ({ ...hosts[0]!, id: undefined, uuid: randomUUID(), name: `h${i + j}`, url: `u${i + j}`, created: now(world.db) })),
        ); // prettier-ignore
      expect(await count()).toBe(few);
      expect(few).toBeLessThanOrEqual(8);
      expect(await rooms({ clusterId: cluster.uuid })).toHaveLength(203);
    });
  });

  describe('a dedication', () => {
    test('is refused while machines of others are on the host, and names them', async () => {
      const eng = await addDomain('ROOT/eng', 1);
      const [alice, bob] = [await addAccount('alice', eng.uuid), await addAccount('bob', eng.uuid)];
      await addMachine('alices', alice.uuid, hosts[0]!.uuid);
      expect(await dedicate(0, eng, bob)).toEqual({ problem: 'Host host-1 cannot be dedicated to account bob: it has machines of others: alices' }); // prettier-ignore
      expect(await dedicate(0, eng)).toEqual({ done: 'done' });
      expect(await dedicate(0, eng)).toEqual({ problem: 'Host host-1 is already dedicated: releaseDedicatedHost comes first' }); // prettier-ignore
    });

    test('has one group per domain or account, which goes with its last host', async () => {
      const eng = await addDomain('ROOT/eng', 1);
      const alice = await addAccount('alice', eng.uuid);
      await dedicate(0, eng);
      await dedicate(1, eng);
      await dedicate(2, eng, alice);
      const { rows } = await listDedicatedHosts(world.db, { domainid: eng.uuid }, { offset: 0 });
      expect(rows.map(({ host_name, account_id }) => [host_name, account_id])).toEqual([['host-1', null], ['host-2', null], ['host-3', alice.uuid]]); // prettier-ignore
      expect(new Set(rows.map(({ affinity_group_id }) => affinity_group_id)).size).toBe(2);
      const groups = () => world.db('affinity_group').where({ type: 'ExplicitDedication' }).orderBy('id').pluck('uuid');
      expect(await groups()).toHaveLength(2);
      const release = (host: number) => releaseDedicatedHost(world.db, hosts[host]!.uuid, by, () => Promise.resolve('done')); // prettier-ignore
      expect(await release(0)).toBe('done');
      expect(await groups()).toHaveLength(2);
      expect(await release(1)).toBe('done');
      expect(await release(1)).toBeUndefined();
      expect(await groups()).toEqual([rows[2]!.affinity_group_id]);
      expect(await deleteHost(world.db, hosts[2]!.uuid, by)).toBeUndefined();
      expect([await groups(), (await listDedicatedHosts(world.db, {}, { offset: 0 })).count]).toEqual([[], 0]);
    });

    test('that two operators make at once is made once', async () => {
      const eng = await addDomain('ROOT/eng', 1);
      const ends = await Promise.all([dedicate(0, eng), dedicate(0, eng), dedicate(0, eng)]);
      expect(ends.filter((end) => 'done' in end)).toHaveLength(1);
      expect((await listDedicatedHosts(world.db, {}, { offset: 0 })).count).toBe(1);
    });
  });

  describe('an affinity group', () => {
    test('has a name of its own in its account, whoever makes it first', async () => {
      const make = (name: string) => addAffinityGroup(world.db, { accountId: world.accountId, domainId: world.domainId, userId: 'u' }, { name, type: 'host affinity', description: undefined }, (_, id) => Promise.resolve(id)); // prettier-ignore
      const made = await Promise.all([make('web'), make('WEB'), make('web')]);
      expect(made.filter((id) => id !== undefined)).toHaveLength(1);
      const other = await addAccount('other', world.domainId);
      expect(await addGroup('web', 'host affinity', other.uuid)).toBeDefined();
    });

    test('that a cluster uses is not deleted; once it is not used its machines are in it no longer', async () => {
      const cluster = await world.addCluster('user');
      const uuid = await addGroup('g', 'host affinity');
      await transact(world.db, (trx) => replaceClusterGroups(trx, cluster, { worker: [uuid] }));
      await world.db('affinity_group_vm_map').insert({ affinity_group_id: uuid, vm_id: 'v' });
      const group = { uuid, name: 'g', account_id: world.accountId, domain_id: world.domainId };
      const remove = () => deleteAffinityGroup(world.db, group, 'u', () => Promise.resolve(1));
      expect(await remove()).toEqual({ usedBy: ['user'] });
      await transact(world.db, (trx) => replaceClusterGroups(trx, cluster, {}));
      expect(await remove()).toEqual({ done: 1 });
      expect(await remove()).toBeUndefined();
      expect(await world.db('affinity_group_vm_map')).toEqual([]);
    });
  });

  test('what a host says of itself is recorded with the time', async () => {
    await recordFacts(world.db, hosts[0]!.uuid, { hypervisor: 'Simulator', arch: 'aarch64', cpus: 3, ramMb: 4 });
    const row = await world.db<HostRow>('host').where({ uuid: hosts[0]!.uuid }).first();
    expect(row).toMatchObject({ arch: 'aarch64', cpus: 3, ram_mb: 4 });
    expect(row!.last_pinged).toMatch(/^\d{4}-\d\d-\d\d /);
    expect(byName(await rooms(), 'host-1').freeRamMb).toBe(4);
  });
});
