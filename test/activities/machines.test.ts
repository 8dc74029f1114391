import { FakeGateway } from '../fakes/gateway.js';
import { MockActivityEnvironment } from '@temporalio/testing';
import ssh2 from 'ssh2';
import { newSshKeyPair } from '../../db/ssh-key-pair.js';
import { machineActivities } from '../../activities/machines.js';
import { userSeedFiles, type UserSeed } from '../../activities/hypervisor/user-seed.js';
import { accountKeyPair } from '../../db/account-key.js';
import { addMachine } from '../../db/add-machine.js';
import { transact } from '../../db/knex.js';
import { queueMachineChange } from '../../db/machine-changes.js';
import type { NetworkRow, ServiceOfferingRow, TemplateRow, VmRow } from '../../db/rows.js';
import { Engines } from '../db/engines.js';
import { makeWorld, type World } from '../db/world.js';
import { networkAt, someFile, ZoneFixture } from './zone-fixture.js';

describe('the seed of a user’s machine', () => {
  const seed: UserSeed = {
    vm: { uuid: 'id', name: 'web-1', mac_address: '1e:00:00:01:00:0a', ip_address: '10.1.0.10' },
    network: { cidr: '10.1.0.0/22', gateway: '10.1.0.1', dns1: null },
    hostKey: { private: 'PRIVATE', public: 'PUBLIC' },
    authorizedKeys: ['service', 'own'],
  };
  const read = (userData?: string) => {
    const files = userSeedFiles({ ...seed, ...(userData !== undefined && { userData }) });
    return {
      files,
      config: JSON.parse(files['user-data']!.slice('#cloud-config\n'.length)) as Record<string, unknown>,
    };
  };

  it('has the keys, the host key and the address, and nothing else without user data', () => {
    const { files, config } = read();
    expect(Object.keys(files)).toEqual(['meta-data', 'user-data', 'network-config']);
    expect(config).toMatchObject({
      hostname: 'web-1',
      users: [{ name: 'cloud', ssh_authorized_keys: ['service', 'own'] }],
      ssh_keys: { ed25519_private: 'PRIVATE', ed25519_public: 'PUBLIC' },
    });
    expect(JSON.parse(files['network-config']!)).toMatchObject({
      ethernets: { nic0: { match: { macaddress: '1e:00:00:01:00:0a' }, addresses: ['10.1.0.10/22'], gateway4: '10.1.0.1' } },
    }); // prettier-ignore
  });

  it('takes a cloud-config in, but not another host key or host name', () => {
    const { config } = read(
      '#cloud-config\nhostname: evil\nssh_pwauth: true\nusers: [default, {name: me}]\nssh_keys: {rsa_private: x}\npackages: [curl]\n',
    );
    expect(config).toMatchObject({
      hostname: 'web-1',
      ssh_pwauth: true,
      packages: ['curl'],
      users: ['default', { name: 'me' }, { name: 'cloud' }],
      ssh_keys: { ed25519_private: 'PRIVATE', ed25519_public: 'PUBLIC' },
    });
    expect(config['ssh_keys']).not.toHaveProperty('rsa_private');
  });

  it.each([
    '#!/bin/sh\ndate\n',
    '#cloud-config\n- not a mapping\n',
    '#cloud-config\na: [\n',
    'Content-Type: multipart/mixed',
  ])('hands %j to cloud-init as it is', (text) => {
    const { files, config } = read(text);
    expect(files['vendor-data']).toBe(text);
    expect(config).toMatchObject({ users: [{ name: 'cloud' }] });
  });
});

describe('a user’s machine in the simulated zone', () => {
  const engines = new Engines('sqlite');
  let zone: ZoneFixture;
  let world: World;
  let vmId: string;
  const gateway = new FakeGateway();
  beforeAll(async () => {
    zone = await ZoneFixture.start();
    world = await makeWorld(engines);
  });
  afterAll(async () => {
    await zone.stop();
    await engines.stop();
  });

  const act = () =>
    machineActivities({
      db: world.db, sealer: world.sealer, openHypervisor: (host) => zone.host(host.name), openGateway: () => gateway, fetchImage: someFile,
    }); // prettier-ignore
  type Act = ReturnType<typeof act>;
  const queue = (kind: 'deploy' | 'stop' | 'destroy') =>
    transact(world.db, (trx) =>
      queueMachineChange(trx, { kind, vmId, limitSeconds: 60, caller: { accountId: world.accountId, userId: 'someone' } }),
    ); // prettier-ignore
  /** Runs these activities of one change, each twice: the second time changes nothing. */
  const run = async (kind: 'deploy' | 'stop' | 'destroy', calls: ((act: Act, jobId: string) => Promise<unknown>)[]) => {
    const { jobId } = await queue(kind);
    const inActivity = new MockActivityEnvironment();
    for (const call of [(act: Act) => act.claimMachineChange(jobId), ...calls]) {
      await inActivity.run(() => call(act(), jobId));
      const effects = await zone.effects();
      await inActivity.run(() => call(act(), jobId));
      expect(await zone.effects()).toEqual(effects);
    }
    await inActivity.run(() => act().settleMachineChange(jobId, { ok: true }));
  };

  it('boots, and lets the service in with its key for the account, under the host key that it knows', async () => {
    const { network_id } = await world.addCluster('home');
    const network = (await world.db<NetworkRow>('networks').where({ uuid: network_id! }).first())!;
    const offering = (await world
      .db<ServiceOfferingRow>('service_offering')
      .where({ uuid: world.offeringId })
      .first())!;
    const template = (await world.db<TemplateRow>('vm_template').where({ kind: 'TEMPLATE' }).first())!;
    vmId = await transact(world.db, (trx) =>
      addMachine(trx, {
        zone: world.zone, network, offering, template, accountId: world.accountId, domainId: world.domainId, userId: 'someone', rootDiskGb: 8, keypairs: [],
      }),
    ); // prettier-ignore
    await run('deploy', [
      (act, jobId) => act.ensureMachinePlaced(jobId),
      (act, jobId) => act.ensureMachineVolume(jobId),
      (act, jobId) => act.ensureMachineDefined(jobId),
      (act, jobId) => act.ensureMachineRunning(jobId),
    ]);
    const vm = (await world.db<VmRow>('vm_instance').where({ uuid: vmId }).first())!;
    expect(vm.state).toBe('Running');
    const publicAddress = '127.199.7.9';
    const gateway = networkAt(publicAddress, [vm.ip_address!], []);
    const tiers = gateway.tiers.map((tier) => ({
      ...tier, networkId: network.uuid, networkNumber: network.network_number, cidr: network.cidr, gateway: network.gateway,
    })); // prettier-ignore
    await zone.gateway().apply({ ...gateway, networkId: network.uuid, tiers, balancers: [] });
    const key = await accountKeyPair(world.db, world.sealer, world.accountId);
    expect(await logIn(publicAddress, key.private, vm.ssh_host_key!)).toBe('let in');
    const stranger = newSshKeyPair().private;
    await expect(logIn(publicAddress, stranger, vm.ssh_host_key!)).rejects.toThrow(/authentication/);
  });

  it('is stopped, and leaves an empty world and its room when it goes', async () => {
    await run('stop', [(act, jobId) => act.ensureMachineStopped(jobId, 1)]);
    expect(await zone.get('/control/world')).toMatchObject({ domains: [{ state: 'shut off' }] });
    const { jobId } = await queue('destroy');
    const inActivity = new MockActivityEnvironment();
    await inActivity.run(() => act().claimMachineChange(jobId));
    await inActivity.run(() => act().ensureMachineGone(jobId));
    await inActivity.run(() => act().ensureMachineGone(jobId));
    expect(await zone.get('/control/world')).toMatchObject({ domains: [], volumes: [], media: [] });
    expect(await world.db('host_reservation').where({ vm_id: vmId })).toEqual([]);
  });
});

/** Over a connection that checks the host key; tried until the machine has booted. */
async function logIn(host: string, privateKey: string, hostKey: string): Promise<string> {
  for (let left = 100; ; left--) {
    try {
      return await ask(host, privateKey, hostKey);
    } catch (error) {
      if (left === 0 || !/ECONNREFUSED|ECONNRESET|closed/.test(String(error))) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const ask = (host: string, privateKey: string, hostKey: string) =>
  new Promise<string>((resolve, reject) => {
    const client = new ssh2.Client();
    client.once('close', () => reject(new Error('closed'))).once('error', reject);
    client.once('ready', () => {
      resolve('let in');
      client.end();
    });
    client.connect({
      host, port: 2222, username: 'cloud', privateKey, readyTimeout: 5000, hostVerifier: (key: Buffer) => key.toString('base64') === hostKey.split(' ')[1],
    }); // prettier-ignore
  });
