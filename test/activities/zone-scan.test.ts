import { ApiException } from '@kubernetes/client-node';
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import type { Deps } from '../../activities/deps.js';
import type { GatewayNetwork } from '../../activities/gateway/driver.js';
import { renderGateway } from '../../activities/gateway/render.js';
import { zoneScanActivities } from '../../activities/zone-scan.js';
import { beginHost, hostFound } from '../../db/hosts.js';
import { now, nowPlus } from '../../db/knex.js';
import { abandonNode } from '../../db/reserve.js';
import type { ClusterRow, HostRow, VmRow } from '../../db/rows.js';
import { readGatewayFacts } from '../../db/rules.js';
import { addCluster } from '../api/fixtures.js';
import { Harness } from '../api/harness.js';

let h: Harness;
beforeEach(async () => {
  h = await Harness.start();
});
afterEach(() => h.stop());

test.each(['answers', 'does not answer'])('a host that is being added and %s is left alone by the scan, and is then added', async (how) => {
  const zone = await h.db('data_center').first<{ uuid: string }>('uuid');
  const begun = await beginHost(h.db, h.sealer, {
    name: 'new', url: 'simulator://127.0.0.1:1/new', zoneId: zone.uuid, hypervisor: 'Simulator', tags: null, pool: 'default', fabricUrl: null, fingerprint: null, secrets: new Map(),
  });
  if ('problem' in begun) throw new Error(begun.problem);
  await h.db('host').where({ uuid: begun.uuid }).update({ created: nowPlus(h.db, -600) });
  const activities = zoneScanActivities({
    db: h.db,
    log: pino({ level: 'silent' }),
    openHypervisor: () => ({ listDomains: () => (how === 'answers' ? Promise.resolve([]) : Promise.reject(new Error('no answer'))) }),
  } as unknown as Deps);
  expect(await activities.hostsOfZone(zone.uuid)).not.toContain(begun.uuid);
  await activities.lookAtHosts([begun.uuid]);
  const facts = { hypervisor: 'Simulator', arch: 'x86_64', cpus: 8, ramMb: 8192 };
  const by = { userId: h.users.A.userId, accountId: h.users.A.accountId, domainId: h.users.A.domainId };
  expect(await hostFound(h.db, begun.uuid, facts, true, by)).toBe(true);
  expect(await activities.hostsOfZone(zone.uuid)).toContain(begun.uuid);
}); // prettier-ignore

describe('a host on which rows and domains agree', () => {
  const states = new Map<string, string>();
  let host: HostRow;
  let machines: VmRow[];
  let reads: number;
  let scan: () => Promise<number>;

  beforeEach(async () => {
    const { machineIds } = await addCluster(h.db, h.users.U, { name: 'c' }, ['control', 'worker']);
    machines = await h.db<VmRow>('vm_instance').whereIn('uuid', machineIds).orderBy('id');
    host = (await h.db<HostRow>('host').where({ uuid: machines[0]!.host_id! }).first())!;
    states.clear();
    for (const { instance_name } of machines) states.set(instance_name, 'running');
    h.db.on('query', ({ sql }: { sql: string }) => void (reads += Number(/select .v.\..uuid/.test(sql))));
    const activities = zoneScanActivities({
      db: h.db,
      sealer: h.sealer,
      log: pino({ level: 'silent' }),
      openHypervisor: () => ({ listDomains: () => Promise.resolve([...states].map(([name, state]) => ({ name, state }))) }),
    } as unknown as Deps);
    scan = async () => {
      reads = 0;
      return activities.lookAtHosts([host.uuid]);
    };
    await scan();
  });
  const stateOf = async (at: number) => (await h.db<VmRow>('vm_instance').where({ uuid: machines[at]!.uuid }).first())!.state; // prettier-ignore

  test('is asked, and its machines are not read again', async () => {
    const before = (await h.db<HostRow>('host').where({ uuid: host.uuid }).first())!.last_pinged;
    expect([await scan(), reads]).toEqual([0, 0]);
    expect((await h.db<HostRow>('host').where({ uuid: host.uuid }).first())!.last_pinged).not.toEqual(before);
  });

  test('is compared once a domain has stopped, and until both agree again', async () => {
    states.set(machines[1]!.instance_name, 'shut off');
    expect([await scan(), reads]).toEqual([1, 1]);
    expect(await stateOf(1)).toBe('Stopped');
    expect([await scan(), reads]).toEqual([0, 1]);
    expect([await scan(), reads]).toEqual([0, 0]);
  });

  test('is compared once a row has changed', async () => {
    await h.db('vm_instance').where({ uuid: machines[0]!.uuid }).update({ state: 'Stopped', update_time: now(h.db) });
    expect([await scan(), reads]).toEqual([1, 1]);
    expect(await stateOf(0)).toBe('Running');
  });

  test('is compared once a change has let go of its machine', async () => {
    const { uuid, instance_name } = machines[0]!;
    await h.db('machine_change').insert({
      job_id: 'job', vm_id: uuid, active_vm_id: uuid, kind: 'stop', params: '{}', limit_seconds: 60, attempt: 1, user_id: 'somebody', created: now(h.db),
    });
    states.set(instance_name, 'shut off');
    expect(await scan()).toBe(0);
    await h.db('machine_change').where({ job_id: 'job' }).delete();
    expect([await scan(), reads]).toEqual([1, 1]);
    expect(await stateOf(0)).toBe('Stopped');
  });
}); // prettier-ignore

describe('a look at a zone', () => {
  /** What the hosts and the gateway were asked for, in turn; `more` is what is not as it was. */
  const look = async (more: Partial<Deps> = {}) => {
    const asked: string[] = [];
    const beats: unknown[] = [];
    const { zone_id, uuid } = (await h.db<ClusterRow>('kubernetes_cluster').first())!;
    await h
      .db('kubernetes_cluster')
      .where({ uuid })
      .update({ probed: nowPlus(h.db, 600) });
    const activities = zoneScanActivities({
      db: h.db,
      sealer: h.sealer,
      log: pino({ level: 'silent' }),
      openHypervisor: () => ({ listDomains: () => Promise.resolve((asked.push('host'), [])) }),
      openGateway: () => ({ holds: () => Promise.resolve((asked.push('gateway'), true)) }),
      scanEnded: (zone: string, seconds: number) => asked.push(`${zone} ended after ${Math.round(seconds)} s`),
      ...more,
    } as unknown as Deps);
    const activity = new MockActivityEnvironment();
    activity.on('heartbeat', (what: unknown) => beats.push(what));
    const ended = await activity
      .run(() => activities.lookAtZone(zone_id, Date.now() - 7000))
      .then(
        () => 'done',
        (error: Error) => error.message,
      );
    const state = (await h.db<ClusterRow>('kubernetes_cluster').where({ uuid }).first())!.state;
    return { asked: [...new Set(asked)], beats, ended, state };
  };
  beforeEach(() => addCluster(h.db, h.users.U, { name: 'c' }, ['control', 'worker']));

  test('takes what hosts say for what clusters are, compares gateways, and is measured', async () => {
    const zone = (await h.db('data_center').first<{ name: string }>('name')).name;
    expect(await look()).toMatchObject({
      asked: ['host', 'gateway', `${zone} ended after 7 s`],
      ended: 'done',
      state: 'Alert',
    });
  });

  test('says that it goes on, and with what, while a host does not answer', async () => {
    const slow = () => new Promise((resolve) => setTimeout(() => resolve([]), 1700));
    const { beats, ended } = await look({ openHypervisor: (() => ({ listDomains: slow })) as never });
    expect([beats, ended]).toEqual([['hosts'], 'done']);
  });

  test('asks more hosts side by side where there are more', async () => {
    const { id: _, uuid, ...host } = (await h.db<HostRow>('host').orderBy('id').first())!;
    const many = Array.from({ length: 240 }, (_, i) => ({
      ...host,
      uuid: `${uuid.slice(4)}${i}`,
      name: `more-${i}`,
      url: `${host.url}${i}`,
    }));
    await h.db.batchInsert('host', many, 20);
    let [now, most] = [0, 0];
    const listDomains = async () => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 50));
      now--;
      return [];
    };
    await look({ openHypervisor: (() => ({ listDomains })) as never });
    expect(most).toBe(60);
  });
});

describe('gateways', () => {
  let made: { name: string; networkId: string; addressId: string }[];
  let zoneId: string;
  /** What a gateway is asked for, by network; true: it has it. */
  let holds: (document: GatewayNetwork) => Promise<boolean>;
  const applied: string[] = [];
  const scan = () =>
    zoneScanActivities({
      db: h.db,
      sealer: h.sealer,
      log: pino({ level: 'silent' }),
      openGateway: () => ({
        holds: (document: GatewayNetwork) => holds(document),
        apply: ({ networkId }: GatewayNetwork) => Promise.resolve(void applied.push(networkId)),
      }),
    } as unknown as Deps).repairGateways(zoneId);
  const add = async (name: string) =>
    void made.push({ name, ...(await addCluster(h.db, h.users.U, { name }, ['control', 'worker'])) });

  beforeEach(async () => {
    made = [];
    applied.length = 0;
    zoneId = (await h.db('data_center').first<{ uuid: string }>('uuid')).uuid;
    for (const name of ['a', 'b', 'c']) await add(name);
    holds = () => Promise.resolve(true);
  });

  test('are asked for what each network has, as when it is read alone', async () => {
    const asked = new Map<string, GatewayNetwork>();
    holds = (document) => Promise.resolve(Boolean(asked.set(document.networkId, document)));
    expect(await scan()).toBe(0);
    expect(asked.size).toBe(3);
    for (const { networkId } of made)
      expect(asked.get(networkId)).toEqual(await renderGateway(h.db, (await readGatewayFacts(h.db, { networkId }))!));
    const [a, b] = made.map(({ networkId }) => asked.get(networkId)!);
    expect(a!.forwards.length).toBeGreaterThan(0);
    expect(a!.publicAddresses).not.toEqual(b!.publicAddresses);
  });

  test('of more networks are compared with as many statements', async () => {
    let statements = 0;
    h.db.on('query', () => void statements++);
    await scan();
    const few = statements;
    for (const name of ['d', 'e', 'f']) await add(name);
    statements = 0;
    await scan();
    expect([few > 5, statements]).toEqual([true, few]);
  });

  test('that have something else are put right, and no other', async () => {
    holds = ({ networkId }) => Promise.resolve(networkId !== made[1]!.networkId);
    expect(await scan()).toBe(1);
    expect(applied).toEqual([made[1]!.networkId]);
  });

  test('are left alone that have rules which have just changed', async () => {
    const { networkId } = made[2]!;
    const rules = () => h.db('firewall_rules').where({ network_id: networkId, purpose: 'PortForwarding' });
    let isChanged = false;
    holds = async (document) => {
      if (!isChanged) await rules().update({ private_port: 8022 });
      isChanged = true;
      return document.networkId !== networkId || document.forwards[0]!.port === 8022;
    };
    expect([await scan(), applied]).toEqual([0, []]);
  });
});

describe('a node that was given up, once its host is back', () => {
  const domains = new Set<string>();
  const nodes = new Set<string>();
  let isSilent = false;
  /** The kubelet of a machine that still runs makes its Node object again. */
  let registers: string | undefined;
  let lost: VmRow;

  const refused = () => Promise.reject(new Error('connection refused'));
  const missing = () => Promise.reject(new ApiException(404, 'Not Found', {}, {}));
  const api = {
    readNode: ({ name }: { name: string }) =>
      isSilent ? refused() : nodes.has(name) ? Promise.resolve({}) : missing(),
    deleteNode: ({ name }: { name: string }) => {
      if (!nodes.delete(name)) return missing();
      if (domains.has(lost.instance_name) || registers === name) nodes.add(name);
      return Promise.resolve({});
    },
  };
  const scan = async () => {
    const host = (await h.db<HostRow>('host').where({ uuid: lost.host_id! }).first())!;
    await zoneScanActivities({
      db: h.db,
      sealer: h.sealer,
      log: pino({ level: 'silent' }),
      kubernetes: { open: () => Promise.resolve(api) },
      openHypervisor: () => ({
        listDomains: () => Promise.resolve([...domains].map((name) => ({ name, state: 'running' }))),
        ensureAbsent: (name: string) => Promise.resolve(void domains.delete(name)),
        ensureSeedAbsent: () => Promise.resolve(),
        ensureVolumeAbsent: () => Promise.resolve(),
      }),
    } as unknown as Deps).lookAtHost(host.uuid);
  };
  const removed = async () => (await h.db<VmRow>('vm_instance').where({ uuid: lost.uuid }).first())!.removed !== null;

  beforeEach(async () => {
    const { machineIds } = await addCluster(h.db, h.users.U, { name: 'c' }, ['control', 'worker', 'worker']);
    const machines = await h.db<VmRow>('vm_instance').whereIn('uuid', machineIds).orderBy('id');
    lost = machines[2]!;
    await abandonNode(h.db, lost.uuid);
    isSilent = false;
    registers = undefined;
    domains.clear();
    nodes.clear();
    for (const { instance_name, name } of machines) {
      domains.add(instance_name);
      nodes.add(name);
    }
  });

  test('loses its machine and the Node object that its kubelet made again; the others keep theirs', async () => {
    await scan();
    expect([...nodes]).toEqual(['c-control-0', 'c-worker-1']);
    expect(domains.has(lost.instance_name)).toBe(false);
    expect(domains.size).toBe(2);
    expect(await removed()).toBe(true);
  });

  test('is released when it has no Node object', async () => {
    nodes.delete(lost.name);
    await scan();
    expect(nodes.size).toBe(2);
    expect(await removed()).toBe(true);
  });

  test('keeps its row for the next scan while the API server is silent', async () => {
    isSilent = true;
    await scan();
    expect(domains.has(lost.instance_name)).toBe(false);
    expect(await removed()).toBe(false);
    isSilent = false;
    await scan();
    expect(nodes.has(lost.name)).toBe(false);
    expect(await removed()).toBe(true);
  });

  test('keeps its row for the next scan while the Node object is still there', async () => {
    registers = lost.name;
    await scan();
    expect(await removed()).toBe(false);
    registers = undefined;
    await scan();
    expect(nodes.has(lost.name)).toBe(false);
    expect(await removed()).toBe(true);
  });

  test('is released without a question when its cluster is gone', async () => {
    isSilent = true;
    await h.db('kubernetes_cluster').update({ state: 'Destroyed' });
    await scan();
    expect(await removed()).toBe(true);
  });
});

describe('a cluster with a machine that a user added, which runs', () => {
  const settled = async (state: 'Alert' | 'Stopped', ownState: 'Running' | 'Stopped') => {
    const { uuid: id, machineIds } = await addCluster(h.db, h.users.U, { name: 'c', state }, ['control', 'worker']);
    const [own, added] = machineIds;
    await h.db('vm_instance').where({ uuid: own! }).update({ state: ownState });
    await h.db('kubernetes_cluster_vm_map').where({ vm_id: added! }).update({ external_node: 1 });
    const { zone_id } = (await h.db<ClusterRow>('kubernetes_cluster').where({ uuid: id }).first())!;
    await zoneScanActivities({ db: h.db, log: pino({ level: 'silent' }) } as unknown as Deps).settleClusters(zone_id);
    return (await h.db<ClusterRow>('kubernetes_cluster').where({ uuid: id }).first())!;
  };

  test('is stopped with its own machines off, and nobody is said to have started one', async () => {
    expect(await settled('Stopped', 'Stopped')).toMatchObject({ state: 'Stopped', reason: null });
  });

  test('is taken for stopped once its own machines are off', async () => {
    expect(await settled('Alert', 'Stopped')).toMatchObject({ state: 'Stopped', reason: null });
  });

  test('is said to have been started by somebody when one of its own runs', async () => {
    expect((await settled('Stopped', 'Running')).reason).toMatch(
      /^somebody started machines of this stopped cluster: c-control-0 on host \S+ \(/,
    );
  });
});
