import type { Deps } from '../../activities/deps.js';
import { kubernetesActivities } from '../../activities/kubernetes/index.js';
import { storeActivities } from '../../activities/store/index.js';
import { advanceNode, markGone, readNodeContext, readNodeFacts, readNodes } from '../../db/nodes.js';
import { deleteHost } from '../../db/hosts.js';
import { releaseNodes } from '../../db/reserve.js';
import { readHostRooms } from '../../db/rooms.js';
import type { ClusterRow, HostRow, NetworkRow, NodePhase, VmRow } from '../../db/rows.js';
import type { StepRef } from '../../workflows/model/operation.js';
import { onEachEngine } from './engines.js';
import { makeWorld, refusal, reserveAll, type World } from './world.js';

type Reserved = { node: { role: string; index: number }; hostId: string }[] | { failed: string };

onEachEngine((engines) => {
  let world: World;
  beforeEach(async () => {
    world = await makeWorld(engines);
  });

  const used = async () => {
    const hosts = await world.db<HostRow>('host').orderBy('id');
    return hosts.map(({ cpus_used, ram_mb_used }) => [cpus_used, ram_mb_used]);
  };
  const count = async (table: string) => Number((await world.db(table).count({ n: '*' }).first<{ n: number }>()).n);

  describe('advanceNode', () => {
    test('never takes a node back: a worker that was cut off comes too late', async () => {
      const cluster = await world.addCluster('late', { controlNodes: 1, workers: 1 });
      await reserveAll(world.db, cluster.uuid);
      const [seenEarly] = await readNodes(world.db, cluster.uuid);
      await advanceNode(world.db, seenEarly!, 'ready', {}, { kubernetes_node_version: '1.34.2' });
      await advanceNode(world.db, seenEarly!, 'joined', {}, { kubernetes_node_version: '1.0.0' });
      const [after] = await readNodes(world.db, cluster.uuid);
      expect(after).toMatchObject({ phase: 'ready', kubernetes_node_version: '1.34.2' });
    });
  });

  describe('a node that a cancelled upgrade takes into service again', () => {
    test.each([
      ['came to the new version', '1.34.2'],
      ['stayed at the old one', '1.33.4'],
    ])('has the version that its kubelet tells: it %s', async (_, runs) => {
      const { uuid } = await world.addCluster('mixed', { controlNodes: 1, workers: 1 });
      await reserveAll(world.db, uuid);
      const control = (await readNodes(world.db, uuid)).find(({ role }) => role === 'control')!;
      await advanceNode(world.db, control, 'ready', {}, { kubernetes_node_version: '1.33.4' });
      const object = { metadata: { name: control.name }, status: { nodeInfo: { kubeletVersion: `v${runs}` } } };
      const patched: unknown[] = [];
      const api = { patchNode: (patch: unknown) => Promise.resolve(void patched.push(patch)) };
      const kubernetes = {
        open: () => Promise.resolve(api),
        nodes: () => Promise.resolve(new Map([[control.name, object]])),
      };
      const activities = kubernetesActivities({ db: world.db, kubernetes } as unknown as Deps);
      await activities.uncordon({ clusterId: uuid, operationId: 'none' } as StepRef, { role: 'control', index: 1 });
      expect(patched).toEqual([{ name: control.name, body: { spec: { unschedulable: false } } }]);
      const after = (await readNodes(world.db, uuid)).map((node) => [node.role, node.kubernetes_node_version]);
      expect(after).toEqual(
        expect.arrayContaining([
          ['control', runs],
          ['worker', null],
        ]),
      );
    });
  });

  describe("a user's machine", () => {
    test('is counted from the moment it is taken in until it is let go, so that an operation that ends between leaves true counts', async () => {
      const [cluster, other] = [await world.addCluster('theirs'), await world.addCluster('other')];
      for (const { uuid } of [cluster, other]) await reserveAll(world.db, uuid);
      const { vm_id } = (await readNodes(world.db, other.uuid)).find(({ role }) => role === 'worker')!;
      await world.db('kubernetes_cluster_vm_map').where({ vm_id }).delete();
      const store = storeActivities({ db: world.db } as Deps);
      const ref = { clusterId: cluster.uuid, operationId: 'none' } as StepRef;
      const node = { role: 'worker', index: 2 } as const;
      const counts = async () =>
        (await world.db<ClusterRow>('kubernetes_cluster').where({ uuid: cluster.uuid }).first())!;
      for (const again of [1, 2]) {
        await store.adoptMachine(ref, node, vm_id, false);
        expect([again, await counts()]).toMatchObject([again, { control_node_count: 1, node_count: 2 }]);
      }
      await store.removeNode(ref, node);
      expect(await counts()).toMatchObject({ control_node_count: 1, node_count: 1 });
    });
  });

  describe('reserveNodes', () => {
    test('gives every node a row, a name, an address, a MAC and a place of its own', async () => {
      const cluster = await world.addCluster('Web.Shop', { controlNodes: 3, workers: 4 });
      const reserved = await reserveAll(world.db, cluster.uuid);
      expect(reserved.map(({ node }) => `${node.role}-${node.index}`)).toEqual(
        ['control-1', 'control-2', 'control-3', 'worker-1', 'worker-2', 'worker-3', 'worker-4'],
      ); // prettier-ignore
      expect(new Set(reserved.slice(0, 3).map(({ hostId }) => hostId)).size).toBe(3);
      const machines = await world.db<VmRow>('vm_instance').orderBy('id');
      const network = (await world.db<NetworkRow>('networks').where({ uuid: cluster.network_id! }).first())!;
      const start = network.cidr.split('.').slice(0, 3).join('.');
      expect(machines.map(({ ip_address }) => ip_address)).toEqual(
        [10, 11, 12, 13, 14, 15, 16].map((last) => `${start}.${last}`),
      );
      expect(new Set(machines.map(({ mac_address }) => mac_address)).size).toBe(7);
      for (const { name, instance_name, uuid } of machines) {
        expect(name).toMatch(/^k8s-webshop-(control|node)-[0-9a-f]{11}$/);
        expect(instance_name).toBe(`i-${uuid}`);
      }
      expect((await used()).reduce((sum, [cpus]) => sum + cpus!, 0)).toBe(14);
    });

    test('again changes nothing and answers the same', async () => {
      const cluster = await world.addCluster('same', { workers: 2 });
      const first = await reserveAll(world.db, cluster.uuid);
      const before = await used();
      expect(await reserveAll(world.db, cluster.uuid)).toEqual(first);
      expect(await used()).toEqual(before);
      expect(await count('vm_instance')).toBe(3);
    });

    test('of five clusters at once that want the last two places gives them to one, whole, and takes nothing for the others (report 4) (report 5)', async () => {
      await world.onlyRoomFor(2);
      const clusters = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => world.addCluster(name)));
      const answers = await engines.together<Reserved>(
        clusters.map(({ uuid }) => ({ do: 'reserve', url: world.url, at: 0, clusterId: uuid })),
      );
      const refused = answers.flatMap((answer) => ('failed' in answer ? [answer.failed] : []));
      expect(refused).toHaveLength(4);
      for (const text of refused)
        expect(text).toContain(
          'no host has room for control machine 1 of 2 (2 CPUs, 2048 MB): host-1: 0 CPUs free; host-2: not enabled',
        );
      expect((await used())[0]).toEqual([4, 4096]);
      expect([await count('vm_instance'), await count('host_reservation'), await count('guest_address')]).toEqual([
        2, 2, 2,
      ]);
    });

    test('at once from six clusters fills the hosts to the last place', async () => {
      await world.db('host').update({ cpus: 8, ram_mb: 8192 });
      const clusters = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => world.addCluster(name)));
      const answers = await engines.together<Reserved>(
        clusters.map(({ uuid }) => ({ do: 'reserve', url: world.url, at: 0, clusterId: uuid })),
      );
      expect(answers.filter((answer) => 'failed' in answer)).toEqual([]);
      expect(await used()).toEqual([[8, 8192], [8, 8192], [8, 8192]]); // prettier-ignore
    });

    test('never takes more than a host has, whatever was read before', async () => {
      const host = await world.onlyRoomFor(1);
      const taking = () =>
        world
          .db('host')
          .where({ uuid: host.uuid })
          .whereRaw('cpus_used + ? <= cpus AND ram_mb_used + ? <= ram_mb', [2, 2048])
          .update({ cpus_used: world.db.raw('cpus_used + 2'), ram_mb_used: world.db.raw('ram_mb_used + 2048') });
      const got = await Promise.all([taking(), taking(), taking()]);
      expect(got.sort()).toEqual([0, 0, 1]);
    });

    test('of two clusters in one network gives no address twice, and leaves addresses that others have', async () => {
      const first = await world.addCluster('first', { workers: 3 });
      await world
        .db('guest_address')
        .insert({ network_id: first.network_id, ip4_address: '10.160.4.11', vm_id: 'somebody else' });
      const second = await world.addCluster('second', { workers: 3, networkId: first.network_id! });
      const answers = await engines.together<Reserved>(
        [first, second].map(({ uuid }) => ({ do: 'reserve', url: world.url, at: 0, clusterId: uuid })),
      );
      expect(answers.filter((answer) => 'failed' in answer)).toEqual([]);
      const addresses = await world.db<VmRow>('vm_instance').pluck('ip_address');
      expect(new Set(addresses).size).toBe(8);
      expect(addresses).not.toContain('10.160.4.11');
    });

    test('refuses a network without a free address, and takes nothing', async () => {
      const cluster = await world.addCluster('narrow', { workers: 8 });
      await world.db('networks').where({ uuid: cluster.network_id }).update({ cidr: '10.9.0.0/28' });
      await expect(reserveAll(world.db, cluster.uuid)).rejects.toThrow(
        '(10.9.0.0/28) has no free address for worker-5',
      );
      expect(await used()).toEqual([[0, 0], [0, 0], [0, 0]]); // prettier-ignore
      expect(await count('guest_address')).toBe(0);
    });
  });

  test('networks that are made at the same time have numbers and ranges of their own', async () => {
    const task = { do: 'network' as const, url: world.url, at: 0, times: 5 };
    const made = (await engines.together<(string | { failed: string })[]>([task, task, task])).flat();
    expect(made.filter((each) => typeof each !== 'string')).toEqual([]);
    const rows = await world.db<NetworkRow>('networks').whereIn('uuid', made as string[]);
    expect(rows.map(({ network_number }) => network_number).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 15 }, (_, i) => i + 1),
    );
    expect(new Set(rows.map(({ cidr }) => cidr)).size).toBe(15);
  });

  describe('addresses', () => {
    test('are unique in their network, and free for another network', async () => {
      const add = (network_id: string, vm_id: string) =>
        world.db('guest_address').insert({ network_id, ip4_address: '10.0.0.10', vm_id });
      await add('n1', 'v1');
      await add('n2', 'v2');
      expect(await refusal(add('n1', 'v3'))).toMatch(/UNIQUE|Duplicate/);
    });

    test('that are public are unique in their zone', async () => {
      const [row] = await world
        .db('user_ip_address')
        .limit(1)
        .select<{ public_ip_address: string; data_center_id: string }[]>('public_ip_address', 'data_center_id');
      expect(
        await refusal(world.db('user_ip_address').insert({ uuid: 'u', ...row, state: 'Free', source_nat: 0 })),
      ).toMatch(/UNIQUE|Duplicate/);
    });
  });

  describe('releaseNodes', () => {
    const reach = async (clusterId: string, phases: NodePhase[]) => {
      for (const [i, node] of (await readNodes(world.db, clusterId)).entries())
        await advanceNode(world.db, node, phases[i]!);
    };

    test('keeps address and room of a machine whose removal is not confirmed', async () => {
      const cluster = await world.addCluster('kept', { workers: 3 });
      await reserveAll(world.db, cluster.uuid);
      await reach(cluster.uuid, ['ready', 'ready', 'defined', 'reserved']);
      const [control, worker, defined] = await readNodes(world.db, cluster.uuid);
      await markGone(world.db, worker!.vm_id);
      expect(await releaseNodes(world.db, cluster.uuid)).toEqual([control!.name, defined!.name]);
      expect((await readNodes(world.db, cluster.uuid)).map(({ vm_id }) => vm_id)).toEqual([
        control!.vm_id,
        defined!.vm_id,
      ]);
      expect([await count('host_reservation'), await count('guest_address')]).toEqual([2, 2]);
      expect((await used()).reduce((sum, [cpus]) => sum + cpus!, 0)).toBe(4);
    });

    test('gives up a machine whose host is down, whose place and number of network stay taken until its host is forgotten', async () => {
      const cluster = await world.addCluster('given-up');
      await reserveAll(world.db, cluster.uuid);
      const [control, worker] = await readNodes(world.db, cluster.uuid);
      await reach(cluster.uuid, ['ready', 'ready']);
      await world.db('host').where({ uuid: control!.host_id }).update({ status: 'Down' });
      const upHost = (await world.db<HostRow>('host').where({ status: 'Up' }).first())!;
      const store = storeActivities({ db: world.db } as Deps);
      const ref = { clusterId: cluster.uuid, operationId: 'none' } as StepRef;
      await world.db('vm_instance').where({ uuid: worker!.vm_id }).update({ host_id: upHost.uuid });
      await expect(store.releaseNodes(ref)).rejects.toThrow(`keep their addresses: ${worker!.name}`);
      await markGone(world.db, worker!.vm_id);
      await store.releaseNodes(ref);
      await store.releaseNodes(ref);
      expect(await readNodes(world.db, cluster.uuid)).toEqual([]);
      const row = async (vmId: string) => (await world.db<VmRow>('vm_instance').where({ uuid: vmId }).first())!;
      expect(await row(control!.vm_id)).toMatchObject({ state: 'Destroyed', removed: null });
      expect((await row(worker!.vm_id)).removed).not.toBeNull();

      // Its network goes with its cluster; a new one does not meet it on the host that comes back.
      const { network_id } = cluster;
      await world.db('networks').where({ uuid: network_id }).update({ active_number: null, removed: '2026-01-01 00:00:00.000' }); // prettier-ignore
      const numberOf = async (uuid: string | null) =>
        (await world.db<NetworkRow>('networks').where({ uuid: uuid! }).first())!.network_number;
      const next = await world.addCluster('next');
      expect(await numberOf(next.network_id)).not.toBe(await numberOf(network_id));

      const by = { userId: 'someone', accountId: 'a', domainId: 'd' };
      expect(await deleteHost(world.db, control!.host_id!, by)).toContain(`has machines: ${control!.name}.`);
      expect((await row(control!.vm_id)).removed).toBeNull();
      expect(await deleteHost(world.db, control!.host_id!, by, true)).toBeUndefined();
      expect((await row(control!.vm_id)).removed).not.toBeNull();
      expect([await count('host_reservation'), await count('guest_address')]).toEqual([0, 0]);
    });

    test('frees everything once all are gone, and again changes nothing', async () => {
      const cluster = await world.addCluster('freed', { controlNodes: 2, workers: 2 });
      const empty = await used();
      await reserveAll(world.db, cluster.uuid);
      for (const { vm_id } of await readNodes(world.db, cluster.uuid)) await markGone(world.db, vm_id);
      await Promise.all([releaseNodes(world.db, cluster.uuid), releaseNodes(world.db, cluster.uuid)]);
      expect(await releaseNodes(world.db, cluster.uuid)).toEqual([]);
      expect(await used()).toEqual(empty);
      expect([
        await count('host_reservation'),
        await count('guest_address'),
        await count('kubernetes_cluster_vm_map'),
      ]).toEqual([0, 0, 0]);
      const machines = await world.db<VmRow>('vm_instance');
      expect(machines.every(({ removed, state }) => removed !== null && state === 'Expunging')).toBe(true);
    });

    test('gives a released address and place to the next one', async () => {
      await world.onlyRoomFor(2);
      const first = await world.addCluster('first');
      await reserveAll(world.db, first.uuid);
      await releaseNodes(world.db, first.uuid);
      const second = await world.addCluster('second', { networkId: first.network_id! });
      expect(await reserveAll(world.db, second.uuid)).toHaveLength(2);
      expect((await readNodes(world.db, second.uuid)).map(({ ip_address }) => ip_address)).toEqual([
        '10.160.4.10',
        '10.160.4.11',
      ]);
    });
  });

  test('facts of nodes tell role, place and phase; a released node has no context', async () => {
    const cluster = await world.addCluster('facts');
    await reserveAll(world.db, cluster.uuid);
    const [control] = await readNodes(world.db, cluster.uuid);
    await advanceNode(world.db, control!, 'installed');
    const rooms = await readHostRooms(world.db, {
      zoneId: cluster.zone_id,
      clusterId: cluster.uuid,
    });
    const facts = await readNodeFacts(world.db, cluster.uuid);
    expect(facts).toMatchObject([
      { role: 'control', index: 1, hostId: rooms.find(({ controls }) => controls === 1)!.id, phase: 'installed' },
      { role: 'worker', index: 1, phase: 'reserved' },
    ]);
    for (const { hostId, room } of facts) {
      const { freeCpus, freeRamMb } = rooms.find(({ id }) => id === hostId)!;
      expect(room).toEqual({ cpus: 2, ramMb: 2048, freeCpus, freeRamMb });
    }
    const context = (await readNodeContext(world.db, cluster.uuid, { role: 'worker', index: 1 }))!;
    expect(context).toMatchObject({ offering: { name: 'small' }, zone: { name: 'sim-1' } });
    const { vm, host, zone, network, version, template, offering } = context;
    const alone = (table: string, { uuid }: { uuid: string }): Promise<unknown> =>
      world.db(table).where({ uuid }).first();
    expect(context.cluster).toEqual(await alone('kubernetes_cluster', cluster));
    expect(vm).toEqual(await alone('vm_instance', { uuid: facts[1]!.machineId }));
    expect(host).toEqual(await alone('host', { uuid: facts[1]!.hostId! }));
    expect([zone, network, version, template, offering]).toEqual([
      await alone('data_center', zone),
      await alone('networks', network),
      await alone('kubernetes_supported_version', version!),
      await alone('vm_template', template),
      await alone('service_offering', offering),
    ]);
    expect(await readNodeContext(world.db, cluster.uuid, { role: 'worker', index: 2 })).toBeUndefined();
  });
});
