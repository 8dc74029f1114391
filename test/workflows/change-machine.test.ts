import { FakeGateway } from '../fakes/gateway.js';
import { fileURLToPath } from 'node:url';
import { newSshKeyPair } from '../../db/ssh-key-pair.js';
import { machineActivities, resumeMachineJobs } from '../../activities/machines.js';
import { accountKeyPair } from '../../db/account-key.js';
import { addMachine } from '../../db/add-machine.js';
import { now, transact } from '../../db/knex.js';
import { queueMachineChange, type QueuedChange } from '../../db/machine-changes.js';
import type {
  HostRow, JobRow, MachineChangeRow, NetworkRow, ServiceOfferingRow, TemplateRow, VmRow,
} from '../../db/rows.js'; // prettier-ignore
import { writeSecret, Secret } from '../../db/secret.js';
import { startMachineRun } from '../../workflows/client.js';
import type { MachineChangeKind, MachineChangeParams } from '../../workflows/model/machine-change.js';
import { Engines } from '../db/engines.js';
import { makeWorld, type World } from '../db/world.js';
import { FakeHost } from '../fakes/hypervisor.js';
import { TemporalFixture } from '../fakes/temporal.js';

let temporal: TemporalFixture;
let world: World;
let host: FakeHost;
let network: NetworkRow;
const engines = new Engines('sqlite');
let stopWorker: () => void;
let working: Promise<void>;
const LIMIT = 30;
beforeAll(async () => {
  temporal = await TemporalFixture.start(fileURLToPath(new URL('../../workflows/change-machine.ts', import.meta.url)));
  world = await makeWorld(engines);
  const { network_id } = await world.addCluster('home');
  const stopped = new Promise<void>((resolve) => (stopWorker = resolve));
  working = temporal.withWorker(asActivities(), () => stopped);
  network = (await world.db<NetworkRow>('networks').where({ uuid: network_id! }).first())!;
}, 120_000);
afterAll(async () => {
  stopWorker?.();
  await working;
  await temporal?.stop();
  await engines.stop();
});
beforeEach(() => (host = new FakeHost()));

const log = { info: () => undefined, warn: () => undefined } as never;
const parts = () => ({
  db: world.db,
  sealer: world.sealer,
  openHypervisor: () => host.driver(),
  openGateway: () => new FakeGateway(),
  fetchImage: () => Promise.resolve({ path: '/nowhere', bytes: 1, sha256: 'ab' }),
});
const client = () => temporal.env.client as never;
const asActivities = () =>
  machineActivities(parts()) as unknown as Record<string, (...args: never[]) => Promise<unknown>>;

const queue = (vmId: string, kind: MachineChangeKind, params: MachineChangeParams = {}) =>
  transact(world.db, (trx) =>
    queueMachineChange(trx, { kind, vmId, params, limitSeconds: LIMIT, caller: { accountId: world.accountId, userId: 'someone' } }),
  ); // prettier-ignore
const add = async (more: { userDataId?: string; keypairs?: string[] } = {}): Promise<string> => {
  const offering = (await world.db<ServiceOfferingRow>('service_offering').where({ uuid: world.offeringId }).first())!;
  const template = (await world.db<TemplateRow>('vm_template').where({ kind: 'TEMPLATE' }).first())!;
  return transact(world.db, (trx) =>
    addMachine(trx, {
      zone: world.zone, network, offering, template, accountId: world.accountId, domainId: world.domainId, userId: 'someone', rootDiskGb: 8, keypairs: [], ...more,
    }),
  ); // prettier-ignore
};
/** Runs a change to its end. */
const run = async (change: QueuedChange) => {
  await startMachineRun(client(), change);
  await temporal.env.client.workflow.getHandle(`vm-${change.jobId}`).result();
};
const change = async (vmId: string, kind: MachineChangeKind, params: MachineChangeParams = {}) => {
  const queued = await queue(vmId, kind, params);
  await run(queued);
  return (await world.db<JobRow>('async_job').where({ uuid: queued.jobId }).first())!;
};
const vm = async (uuid: string) => (await world.db<VmRow>('vm_instance').where({ uuid }).first())!;
const used = async () => {
  const hosts = await world.db<HostRow>('host');
  return hosts.reduce((sum, { cpus_used }) => sum + cpus_used, 0);
};
const failure = (job: JobRow) => (JSON.parse(job.job_result ?? '{}') as { errortext?: string }).errortext;

test('a deployed machine runs on one host, with its seed, its address and its room', async () => {
  const pair = newSshKeyPair();
  await world.db('ssh_keypairs').insert({
    uuid: 'k', keypair_name: 'mine', account_id: world.accountId, domain_id: world.domainId, fingerprint: 'f', public_key: pair.public, created: now(world.db),
  }); // prettier-ignore
  const id = await add({ keypairs: ['mine'] });
  await writeSecret(world.db, world.sealer, `vm/${id}`, 'userdata', new Secret(Buffer.from('#cloud-config\nusers: [{name: me}]\nruncmd: [date]\n').toString('base64'))); // prettier-ignore
  const before = await used();
  const job = await change(id, 'deploy', { start: true, metadata: { role: 'db' } });
  expect([job.job_status, JSON.parse(job.job_result!)]).toEqual([1, { object: 'virtualmachine', id }]);
  const row = await vm(id);
  expect([row.state, row.ip_address]).toEqual(['Running', expect.stringMatching(/^10\./)]);
  expect(await used()).toBe(before + 2);
  const domain = host.domains.get(`i-${id}`);
  expect(domain).toMatchObject({ state: 'running', clusterId: '', machineId: id, cpus: 2, ramMb: 2048, macAddress: row.mac_address, volume: `i-${id}-root`, media: [`i-${id}-seed`] }); // prettier-ignore
  const files = host.seeds.get(`i-${id}-seed`)!.files;
  const userData = JSON.parse(files['user-data']!.replace('#cloud-config\n', '')) as {
    users: { name: string; ssh_authorized_keys: string[] }[];
    ssh_keys: { ed25519_public: string };
    runcmd: string[];
  };
  const service = await accountKeyPair(world.db, world.sealer, world.accountId);
  expect(userData.users.map(({ name }) => name)).toEqual(['me', 'cloud']);
  expect(userData.users[1]!.ssh_authorized_keys).toEqual([service.public, pair.public]);
  expect(userData.runcmd).toEqual(['date']);
  expect(userData.ssh_keys.ed25519_public).toBe(row.ssh_host_key);
  expect(JSON.parse(files['meta-data']!)).toEqual({ role: 'db', 'instance-id': id, 'local-hostname': row.name });
  expect(files['network-config']).toContain(row.ip_address);
});

test('stop asks the guest, forced does not; a start brings it back; destroy leaves nothing', async () => {
  const before = await used();
  const id = await add();
  await change(id, 'deploy', { start: false });
  expect([(await vm(id)).state, host.domains.get(`i-${id}`)?.state]).toEqual(['Stopped', 'shut off']);
  await change(id, 'start');
  expect((await vm(id)).state).toBe('Running');
  await change(id, 'reboot');
  await change(id, 'stop', { forced: true });
  expect((await vm(id)).state).toBe('Stopped');
  const stops = host.effects.filter((effect) => effect.startsWith('ensureStopped'));
  expect(stops).toEqual([`ensureStopped i-${id} after ${LIMIT / 5} s`, `ensureStopped i-${id} after 0 s`]);
  const job = await change(id, 'destroy');
  expect(job.job_status).toBe(1);
  expect([host.domains.size, host.volumes.size, host.seeds.size]).toEqual([0, 0, 0]);
  expect(await used()).toBe(before);
  const row = await vm(id);
  expect([row.state, row.removed === null]).toEqual(['Expunging', false]);
  expect(await world.db('guest_address').where({ vm_id: id })).toEqual([]);
  expect(await world.db('secret').where({ owner: `vm/${id}` })).toEqual([]);
});

test.each(['ensureImage', 'ensureVolume', 'ensureSeed', 'ensureDefined', 'ensureRunning'])(
  'when %s fails for good the deploy leaves nothing on the host and no room, and the machine shows Error until it is destroyed',
  async (call) => {
    const before = await used();
    const id = await add();
    host.troubles.set(call, { times: 99, forGood: true, after: true });
    const job = await change(id, 'deploy', { start: true });
    const { name } = await vm(id);
    expect([job.job_status, job.job_result_code, failure(job)]).toEqual([2, 530, `Error while deploying machine ${name}: ${call} is broken`]); // prettier-ignore
    expect([host.domains.size, host.volumes.size, host.seeds.size]).toEqual([0, 0, 0]);
    expect(await used()).toBe(before);
    expect((await vm(id)).state).toBe('Error');
    host.troubles.clear();
    expect((await change(id, 'destroy')).job_status).toBe(1);
  },
);

test.each(['ensureVolume', 'ensureDefined', 'ensureRunning'])('a lost answer of %s is met by finding its effect', async (call) => {
  const id = await add();
  host.troubles.set(call, { times: 2, after: true });
  expect((await change(id, 'deploy', { start: true })).job_status).toBe(1);
  expect(host.effects.filter((effect) => effect.startsWith(call))).toHaveLength(1);
  await change(id, 'destroy');
}); // prettier-ignore

test('a failed start leaves the state that the host shows; without an answer it is Unknown', async () => {
  const id = await add();
  await change(id, 'deploy', { start: false });
  host.troubles.set('ensureRunning', { times: 99, forGood: true });
  const job = await change(id, 'start');
  expect([job.job_status, (await vm(id)).state]).toEqual([2, 'Stopped']);
  host.troubles.set('listDomains', { times: 99, forGood: true });
  expect([(await change(id, 'start')).job_status, (await vm(id)).state]).toEqual([2, 'Unknown']);
  host.troubles.clear();
  await change(id, 'destroy');
});

test('no host with room fails the deploy in words, and the last room is given once', async () => {
  const { uuid: chosen } = await world.onlyRoomFor(1);
  await world.db('host').where({ uuid: chosen }).update({ cpus_used: 0, ram_mb_used: 0 });
  const [one, two] = [await add(), await add()];
  expect((await change(one, 'deploy', { start: true })).job_status).toBe(1);
  const job = await change(two, 'deploy', { start: true });
  expect([job.job_status, failure(job)]).toEqual([2, expect.stringMatching(/no host has room/)]);
  expect((await vm(two)).host_id).toBeNull();
  await change(one, 'destroy');
  await change(two, 'destroy');
  await world.db('host').update({ resource_state: 'Enabled', cpus: 64, ram_mb: 65536 });
});

test('an imported domain is taken over on its host, and let go as it is when it is destroyed', async () => {
  const id = await add();
  await change(id, 'deploy', { start: true });
  await world.db('vm_instance').where({ uuid: id }).update({ instance_name: 'pet' });
  const domain = host.domains.get(`i-${id}`)!;
  host.domains.clear();
  expect(failure(await change(id, 'import'))).toMatch(/there is no domain pet$/);
  expect((await vm(id)).state).toBe('Error');
  host.foreign.set('pet', { ...domain, name: 'pet', state: 'running' });
  expect((await change(id, 'import')).job_status).toBe(1);
  expect((await vm(id)).state).toBe('Running');
  expect((await change(id, 'stop')).job_status).toBe(1);
  expect((await change(id, 'destroy')).job_status).toBe(1);
  expect([host.domains.size, host.foreign.get('pet')?.state]).toEqual([0, 'shut off']);
});

describe('a run that is lost', () => {
  const open = async (jobId: string) =>
    (await world.db<MachineChangeRow>('machine_change').where({ job_id: jobId }).first())!;
  const age = (jobId: string) =>
    world.db('machine_change').where({ job_id: jobId }).update({ created: '2020-01-01 00:00:00.000' });
  const scan = () => resumeMachineJobs({ db: world.db, temporal: client(), log });

  test('before it began is started by the scan', async () => {
    const id = await add();
    const queued = await queue(id, 'deploy', { start: true });
    await scan();
    expect((await open(queued.jobId)).run_id).toBeNull();
    await age(queued.jobId);
    await scan();
    await scan();
    await temporal.env.client.workflow.getHandle(`vm-${queued.jobId}`).result();
    expect([(await vm(id)).state, (await open(queued.jobId)).attempt]).toEqual(['Running', 1]);
    await scan();
    expect((await open(queued.jobId)).attempt).toBe(1);
  });

  test('halfway is taken over by another, which makes nothing twice', async () => {
    const id = await add();
    const queued = await queue(id, 'deploy', { start: true });
    await age(queued.jobId);
    const handle = temporal.env.client.workflow.getHandle(`vm-${queued.jobId}`);
    let terminated: Promise<unknown> | undefined;
    host.onCall = async (call) => {
      if (call !== 'ensureDefined' || terminated) return;
      terminated = handle.terminate('lost');
      await terminated;
    };
    await startMachineRun(client(), queued);
    await handle.result().catch(() => undefined);
    await scan();
    await handle.result();
    const ended = await open(queued.jobId);
    expect([ended.attempt, ended.ended === null, (await vm(id)).state]).toEqual([2, false, 'Running']);
    for (const call of ['ensureVolume ', 'ensureSeed ', 'ensureDefined '])
      expect(host.effects.filter((effect) => effect.startsWith(call))).toHaveLength(1);
  });

  test('again and again is given up, and the machine is free', async () => {
    const id = await add();
    const queued = await queue(id, 'deploy', { start: true });
    await age(queued.jobId);
    await world.db('machine_change').where({ job_id: queued.jobId }).update({ attempt: 5, run_id: 'gone' });
    await scan();
    const job = (await world.db<JobRow>('async_job').where({ uuid: queued.jobId }).first())!;
    expect([job.job_status, failure(job)]).toEqual([2, expect.stringMatching(/lost 5 times$/)]);
    expect((await vm(id)).state).toBe('Unknown');
    expect((await change(id, 'destroy')).job_status).toBe(1);
  });

  test('is refused from then on: the effects of a worker that was cut off do not happen', async () => {
    const id = await add();
    const queued = await queue(id, 'deploy', { start: true });
    let cut = false;
    host.onCall = async (call) => {
      if (call !== 'ensureVolume' || cut) return;
      cut = true;
      await world.db('machine_change').where({ job_id: queued.jobId }).update({ run_id: 'another' });
    };
    await run(queued);
    // The change is the other run's: this one neither went on nor settled it.
    expect(host.effects.filter((effect) => effect.startsWith('ensureDefined'))).toEqual([]);
    expect((await open(queued.jobId)).ended).toBeNull();
  });
});

test('a cancel in the Temporal Web UI ends the deploy and takes away what it made', async () => {
  const id = await add();
  const queued = await queue(id, 'deploy', { start: true });
  const handle = temporal.env.client.workflow.getHandle(`vm-${queued.jobId}`);
  host.onCall = async (call) => {
    if (call === 'ensureDefined') await handle.cancel();
  };
  await run(queued);
  const job = (await world.db<JobRow>('async_job').where({ uuid: queued.jobId }).first())!;
  expect([job.job_status, failure(job)]).toEqual([2, expect.stringMatching(/it was cancelled$/)]);
  expect([host.domains.size, host.volumes.size, host.seeds.size, (await vm(id)).state]).toEqual([0, 0, 0, 'Error']);
});
