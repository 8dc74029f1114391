import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readHostSecret } from '../../db/hosts.js';
import type { HostRow } from '../../db/rows.js';
import { newSshKeyPair } from '../../db/ssh-key-pair.js';
import { Probing } from '../fakes/probing.js';
import { SshServer } from '../fakes/ssh-server.js';
import { addCluster } from './fixtures.js';
import { Harness, type Reply } from './harness.js';

let h: Harness;
let ssh: SshServer;
let zone: string;
let kvm: string;
let temporalUp = true;
const probing = new Probing(() => ({ db: h.db, sealer: h.sealer }));
const client = newSshKeyPair();
const words = (key: string) => key.trim().split(' ').slice(0, 2).join(' ');

beforeAll(async () => {
  ssh = await SshServer.start();
  h = await Harness.start({ temporal: () => (temporalUp ? probing.client : undefined) });
  zone = (await h.db('data_center').first<{ uuid: string }>('uuid')).uuid;
  const made = await h.call('createZone', {
    name: 'kvm-1', networktype: 'Advanced', dns1: '10.0.0.53', gatewayurl: 'simulator://127.0.0.1:18090/gateway-2', networkmode: 'bridge', bridge: 'br0',
  }); // prettier-ignore
  kvm = made.content.zone.id as string;
});
afterAll(async () => {
  await h.stop();
  await ssh.stop();
});
afterEach(() => {
  temporalUp = true;
  probing.facts = { hypervisor: 'Simulator', arch: 'x86_64', cpus: 16, ramMb: 65536 };
});

let count = 0;
const newUrl = () => `simulator://127.0.0.1:18090/extra-${++count}`;
const add = (more: Record<string, string> = {}) => h.post('addHost', { zoneid: zone, url: newUrl(), ...more });
const refused = (reply: Reply, status: number): string => {
  expect([reply.content.errortext, reply.status]).toEqual([reply.content.errortext, status]);
  return String(reply.content.errortext);
};
const hosts = () => h.db<HostRow>('host').whereNull('removed').orderBy('id');
const secretCount = async () => Number((await h.db('secret').count({ n: '*' }).first<{ n: number }>()).n);

describe('addHost', () => {
  test('answers with what the host has, and machines may be placed on it', async () => {
    const reply = await add({ hosttags: 'ssd,big' });
    expect(reply.status).toBe(200);
    expect(reply.content).toMatchObject({
      count: 1,
      host: [{ name: `extra-${count}`, state: 'Up', resourcestate: 'Enabled', hypervisor: 'Simulator', arch: 'x86_64', cpunumber: 16, cpuallocated: '0.00%', memorytotal: 65536 * 1024 * 1024, memoryallocated: 0, hosttags: 'ssd,big', zonename: 'sim-1', pool: 'default', ipaddress: '127.0.0.1' }],
    }); // prettier-ignore
    const listed = await h.call('listHosts', { id: reply.content.host[0].id as string });
    expect(listed.content).toEqual(reply.content);
    const event = await h.db('event').where({ type: 'HOST.ADD', resource_id: reply.content.host[0].id as string }).first<{ description: string }>(); // prettier-ignore
    expect(event.description).toContain(`adding host extra-${count}`);
  });

  test('of a host that is to stay disabled leaves it so', async () => {
    const reply = await add({ allocationstate: 'Disabled', name: 'spare' });
    expect(reply.content.host[0]).toMatchObject({ name: 'spare', resourcestate: 'Disabled', state: 'Up' });
  });

  test('refuses what cannot be a host, and says what is expected', async () => {
    const cases: [Record<string, string>, string][] = [
      [{ url: 'xen:///system' }, 'url: the scheme xen:// is unknown: expected qemu:///system'],
      [{ url: 'qemu+ssh://root@h/system' }, 'the transport +ssh cannot be used, since the ssh program ignores the host key that is pinned: use +libssh'],
      [{ url: 'qemu+ext:///system?command=/bin/sh' }, 'the transport +ext cannot be used'],
      [{ url: 'qemu+libssh:///system' }, 'names no host'],
      [{ url: 'qemu://kvm1/system' }, 'does not say how its host is reached'],
      [{ url: 'simulator://127.0.0.1:1' }, 'names no host'],
      [{ url: 'kvm1' }, 'is no URL'],
      [{ url: 'qemu+libssh://root:secret@kvm1/system' }, 'it holds a password'],
      [{ url: "qemu:///system?socket=/x'><y" }, 'has characters that no URL has'],
      [{ url: 'qemu+tls://kvm1/system?no_verify=1' }, 'the parameter no_verify cannot be given'],
      [{ url: `simulator://127.0.0.1/${'a'.repeat(200)}` }, 'it is longer than 200 characters'],
      [{ name: 'x'.repeat(64) }, 'name must have 63 characters at most, found 64'],
      [{ name: 'a<b' }, 'name must be of letters, digits'],
      [{ name: '-a' }, 'begin with a letter or digit'],
      [{ pool: 'a&b' }, 'pool must be of letters'],
      [{ hosttags: 'ok,b"ad' }, 'a host tag must be of letters'],
      [{ allocationstate: 'Perhaps' }, 'allocationstate must be Enabled or Disabled, found "Perhaps"'],
      [{ hypervisor: 'VMware' }, 'Zone sim-1 has the hypervisor Simulator: a host with VMware cannot be added to it'],
      [{ password: 'x', username: 'root' }, 'hosts are reached with keys'],
      [{ sshprivatekey: client.private }, 'sshprivatekey is of no use: the URL is not reached over SSH'],
      [{ cacert: 'x' }, 'cacert is of no use: the URL is not reached over TLS'],
      [{ fabricurl: 'http://h' }, 'fabricurl: the scheme http:// is unknown'],
    ]; // prettier-ignore
    const before = await hosts();
    for (const [more, text] of cases) {
      const found = refused(await add(more), 431);
      expect(found).toContain(text);
      expect(found).not.toContain('secret');
    }
    expect(refused(await add({ name: 'a\0b' }), 431)).toContain('illegal ASCII');
    expect(await hosts()).toEqual(before);
  });

  test('of a URL that is known names the host that has it, in whatever case', async () => {
    const url = newUrl();
    const name = url.split('/').at(-1)!;
    await add({ url });
    expect(refused(await add({ url }), 431)).toBe(`A host with URL ${url} exists already: ${name}`);
    expect(refused(await add({ url: url.replace('extra', 'EXTRA') }), 431)).toContain(`exists already: ${name}`);
    expect(refused(await add({ name: name.toUpperCase() }), 431)).toContain('The zone has a host named EXTRA');
  });

  test('of a host that does not answer says why and leaves nothing', async () => {
    const [before, secrets] = [await hosts(), await secretCount()];
    const url = 'simulator://127.0.0.1:18090/silent-1';
    expect(refused(await add({ url }), 534)).toBe(`${url} does not answer: connection refused`);
    expect(await hosts()).toEqual(before);
    expect(await secretCount()).toBe(secrets);
  });

  test('while Temporal is down says so and leaves nothing', async () => {
    const before = await hosts();
    temporalUp = false;
    expect(refused(await add(), 534)).toContain('Temporal does not answer yet');
    expect(await hosts()).toEqual(before);
  });

  test('of a host that answers as another hypervisor than the zone says both, and leaves nothing', async () => {
    const before = await hosts();
    probing.facts = { ...probing.facts, hypervisor: 'LXC' };
    expect(refused(await add(), 530)).toMatch(/answers as LXC, and zone sim-1 has the hypervisor Simulator/);
    expect(await hosts()).toEqual(before);
  });

  test('tries again after an add that was given up, but not while it goes on', async () => {
    const url = newUrl();
    const row = { uuid: 'lost', name: 'lost', url, data_center_id: zone, hypervisor_type: 'Simulator', status: 'Creating', resource_state: 'Disabled', arch: '', cpus: 0, ram_mb: 0, cpus_used: 0, ram_mb_used: 0 }; // prettier-ignore
    await h.db('host').insert({ ...row, created: '2999-01-01 00:00:00.000' });
    expect(refused(await add({ url }), 431)).toContain('is being added just now');
    await h.db('host').where({ uuid: 'lost' }).update({ created: '2020-01-01 00:00:00.000' });
    expect((await add({ url })).status).toBe(200);
    expect(await h.db('host').where({ uuid: 'lost' })).toEqual([]);
  });
});

describe('addHost over SSH', () => {
  const at = () => `qemu+libssh://root@127.0.0.1:${ssh.port}/system`;
  const over = (more: Record<string, string> = {}) => h.post('addHost', { zoneid: kvm, url: at(), ...more });
  beforeEach(() => {
    probing.facts = { ...probing.facts, hypervisor: 'KVM' };
  });

  test('shows the host key that it found and pins nothing before a person has compared it', async () => {
    const before = await hosts();
    const text = refused(await over({ sshprivatekey: client.private }), 431);
    expect(text).toContain(`sshhostkey=${words(ssh.key.public)}`);
    expect(text).toMatch(/SHA256:[A-Za-z0-9+/]{43}\. Compare it with "ssh-keygen -lf \/etc\/ssh\/ssh_host_ed25519_key\.pub"/); // prettier-ignore
    expect(await hosts()).toEqual(before);
    expect(ssh.logins).toEqual([]);
  });

  test('with another key than the host shows refuses, names both, and leaves nothing', async () => {
    const other = newSshKeyPair().public;
    const text = refused(await over({ sshprivatekey: client.private, sshhostkey: other }), 530);
    expect(text).toMatch(/shows the host key SHA256:\S+, and SHA256:\S+ was given/);
    expect((await hosts()).filter(({ data_center_id }) => data_center_id === kvm)).toEqual([]);
  });

  test.each([
    ['a host key that is none', { sshhostkey: 'ssh-ed25519 AAAA' }, 'sshhostkey is no public key'],
    ['a private key as the host key', { sshhostkey: client.private }, 'sshhostkey is no public key'],
    ['a public key as the private key', { sshprivatekey: client.public }, 'sshprivatekey is no private key'],
    ['no private key', { sshprivatekey: undefined }, 'sshprivatekey is missing'],
    ['another host for its fabric', { fabricurl: 'ssh://fabric@kvm9' }, 'both must be the same host'],
  ])('refuses %s', async (_, more: Record<string, string | undefined>, text) => {
    const params = { sshprivatekey: client.private, sshhostkey: ssh.key.public, ...more };
    const given = Object.entries(params).filter((each): each is [string, string] => each[1] !== undefined);
    const found = refused(await over(Object.fromEntries(given)), 431);
    expect(found).toContain(text);
    expect(found).not.toContain('PRIVATE KEY-----\n');
  });

  test('pins the key, keeps both sealed and shows neither', async () => {
    const fabricurl = `ssh://cks-fabric@127.0.0.1:${ssh.port}`;
    const reply = await over({ sshprivatekey: client.private, sshhostkey: ssh.key.public, name: 'kvm1', fabricurl });
    expect(reply.status).toBe(200);
    const [host] = reply.content.host;
    expect(host).toMatchObject({ name: 'kvm1', hypervisor: 'KVM', fabricurl, ipaddress: '127.0.0.1' });
    expect(host.fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
    expect(reply.text).not.toContain(client.private.split('\n')[1]);
    expect((await readHostSecret(h.db, h.sealer, host.id, 'ssh'))!.reveal().trim()).toBe(client.private.trim());
    expect((await readHostSecret(h.db, h.sealer, host.id, 'known-host'))!.reveal()).toBe(words(ssh.key.public));
    const stored = JSON.stringify([await h.db('secret'), await h.db('host'), await h.db('event')]);
    expect(stored).not.toContain(client.private.split('\n')[1]);
    expect(JSON.stringify(probing.asked)).not.toContain('PRIVATE');
    await h.call('deleteHost', { id: host.id as string });
    expect(await readHostSecret(h.db, h.sealer, host.id, 'ssh')).toBeUndefined();
  });
});

describe('addHost over TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cks-tls-'));
  const make = (name: string) => {
    const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-subj', `/CN=${name}`, '-days', '2'], { stdio: 'ignore' }); // prettier-ignore
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  };
  const [ca, mine, other] = ['ca', 'mine', 'other'].map(make);
  afterAll(() => rmSync(folder, { recursive: true }));
  const over = (keys: Record<string, string>) => h.post('addHost', { zoneid: kvm, url: 'qemu+tls://kvm2.example/system', ...keys }); // prettier-ignore

  test('wants all three, each what it should be, and keeps them sealed', async () => {
    probing.facts = { ...probing.facts, hypervisor: 'KVM' };
    const right = { cacert: ca!.cert, clientcert: mine!.cert, clientkey: mine!.key };
    expect(refused(await over({ cacert: ca!.cert }), 431)).toContain('needs all of cacert, clientcert and clientkey');
    expect(refused(await over({ ...right, cacert: 'x' }), 431)).toContain('cacert is no certificate in PEM form');
    expect(refused(await over({ ...right, clientkey: other!.key }), 431)).toBe(
      'clientkey is not the key of clientcert',
    );
    expect(refused(await over({ ...right, clientkey: 'x' }), 431)).toContain('clientkey is no private key');
    const reply = await over(right);
    expect(reply.content.host[0]).toMatchObject({ name: 'kvm2.example', ipaddress: 'kvm2.example' });
    const tls = await readHostSecret(h.db, h.sealer, reply.content.host[0].id as string, 'tls');
    expect(JSON.parse(tls!.reveal())).toEqual(right);
  });
});

describe('updateHost', () => {
  test('disables, enables, takes out for maintenance, names and tags a host, and empties its tags', async () => {
    const { id } = (await add({ hosttags: 'old' })).content.host[0];
    const change = async (more: Record<string, string>): Promise<unknown> =>
      (await h.call('updateHost', { id, ...more })).content.host;
    expect(await change({ allocationstate: 'Disable' })).toMatchObject({ resourcestate: 'Disabled', hosttags: 'old' });
    expect(await change({ allocationstate: 'enable', name: 'renamed' })).toMatchObject({ resourcestate: 'Enabled', name: 'renamed' }); // prettier-ignore
    expect(await change({ allocationstate: 'MAINTENANCE' })).toMatchObject({ resourcestate: 'Maintenance' });
    expect((await h.call('listHosts', { id, resourcestate: 'maintenance' })).content.count).toBe(1);
    expect(await change({ allocationstate: 'Enable' })).toMatchObject({ resourcestate: 'Enabled' });
    expect(await change({ hosttags: 'a,b' })).toMatchObject({ hosttags: 'a,b', name: 'renamed' });
    expect(await change({ hosttags: '' })).not.toHaveProperty('hosttags');
  });

  test('refuses a URL, a state that is none, a name that is taken and a host that is gone', async () => {
    const { id } = (await add()).content.host[0];
    expect(refused(await h.call('updateHost', { id, url: newUrl() }), 431)).toContain(
      'URL of a host cannot be changed',
    );
    expect(refused(await h.call('updateHost', { id, allocationstate: 'Off' }), 431)).toContain('must be Enable, Disable or Maintenance, found "Off"'); // prettier-ignore
    expect(refused(await h.call('updateHost', { id, allocationstate: 'constructor' }), 431)).toContain(
      'must be Enable',
    );
    expect(refused(await h.call('updateHost', { id, name: 'host-1' }), 431)).toContain('has a host named host-1');
    expect(refused(await h.call('updateHost', { id, name: '<x>' }), 431)).toContain('name must be of letters');
    await h.call('deleteHost', { id });
    expect(refused(await h.call('updateHost', { id, name: 'y' }), 431)).toContain('was removed');
  });
});

describe('deleteHost', () => {
  test('is refused while machines are on the host, and names them; without any it goes and its URL is free', async () => {
    const cluster = await addCluster(h.db, h.users.U, { name: 'held' });
    const url = newUrl();
    const { id } = (await add({ url })).content.host[0];
    await h.db('vm_instance').whereIn('uuid', cluster.machineIds).update({ host_id: id });
    expect(refused(await h.call('deleteHost', { id }), 431)).toContain('has machines: held-control-0, held-worker-1.');
    await h.db('vm_instance').whereIn('uuid', cluster.machineIds).update({ removed: '2026-01-01 00:00:00.000' });
    expect((await h.call('deleteHost', { id })).content).toEqual({ success: true });
    expect((await h.call('listHosts', { id })).content).toEqual({});
    expect(refused(await h.call('deleteHost', { id }), 431)).toContain('was removed already');
    expect((await add({ url })).status).toBe(200);
  });

  test('forced, it forgets imported machines of a host that is down unless they are nodes', async () => {
    const { machineIds } = await addCluster(h.db, h.users.U, { name: 'brought' });
    const [control, worker] = machineIds;
    const { id } = (await add({ url: newUrl() })).content.host[0];
    await h.db('host').where({ uuid: id }).update({ status: 'Down' });
    await h.db('vm_instance').where({ uuid: worker }).update({ host_id: id, instance_name: 'their-domain' });
    const forced = () => h.call('deleteHost', { id, forced: 'true' });
    expect(refused(await forced(), 431)).toContain('has machines: brought-worker-1.');
    await h.db('kubernetes_cluster_vm_map').where({ vm_id: worker }).delete();
    await h.db('vm_instance').where({ uuid: control }).update({ host_id: id });
    expect(refused(await forced(), 431)).toContain('has machines: brought-control-0.');
    await h.db('vm_instance').where({ uuid: control }).update({ host_id: null });
    expect((await forced()).content).toEqual({ success: true });
  });

  test('forced, it forgets nodes that were given up while the host is down, and nothing else', async () => {
    const { machineIds } = await addCluster(h.db, h.users.U, { name: 'lost' });
    const { id } = (await add({ url: newUrl() })).content.host[0];
    const [control, worker] = machineIds;
    await h.db('vm_instance').whereIn('uuid', machineIds).update({ host_id: id });
    const forced = () => h.call('deleteHost', { id, forced: 'true' });
    const removed = async () =>
      (await h.db('vm_instance').where({ uuid: worker }).first<{ removed: unknown }>()).removed;
    await h.db('vm_instance').where({ uuid: worker }).update({ state: 'Destroyed' });
    expect(refused(await forced(), 431)).toContain('has machines: lost-control-0, lost-worker-1.');
    await h.db('host').where({ uuid: id }).update({ status: 'Down' });
    expect(refused(await forced(), 431)).toContain('has machines: lost-control-0.');
    expect(await removed()).toBeNull();
    await h.db('vm_instance').where({ uuid: control }).update({ state: 'Destroyed' });
    expect(refused(await h.call('deleteHost', { id }), 431)).toContain('has machines: lost-control-0, lost-worker-1.');
    expect((await forced()).content).toEqual({ success: true });
    expect(await removed()).not.toBeNull();
  });
});

describe('listHosts', () => {
  test('filters by zone, state, resource state, name and hypervisor, in any case', async () => {
    const names = async (more: Record<string, string>) =>
      (((await h.call('listHosts', more)).content.host ?? []) as { name: string }[]).map(({ name }) => name);
    expect(await names({ name: 'HOST-1' })).toEqual(['host-1']);
    expect(await names({ zoneid: kvm, hypervisor: 'kvm' })).toEqual(['kvm2.example']);
    expect(await names({ resourcestate: 'disabled', keyword: 'spa' })).toEqual(['spare']);
    expect(await names({ state: 'Down' })).toEqual([]);
    expect(await names({ type: 'SecondaryStorageVM' })).toEqual([]);
    expect((await h.call('listHosts', {}, h.users.D)).status).toBe(432);
  });
});

describe('createZone', () => {
  const make = (more: Record<string, string>) =>
    h.post('createZone', { name: `zone-${++count}`, networktype: 'Advanced', dns1: '10.0.0.53', gatewayurl: 'simulator://127.0.0.1:18090/gateway-3', ...more }); // prettier-ignore

  test('makes a zone that lists and that hosts can be added to', async () => {
    const reply = await make({ name: 'Zürich 2', hypervisor: 'Simulator', guestcidraddress: '10.64.0.0/12', networkmode: 'vxlan', internalcidr: '192.0.2.0/24', publicbridge: 'br-pub' }); // prettier-ignore
    expect(reply.content.zone).toMatchObject({ name: 'Zürich 2', networktype: 'Advanced', allocationstate: 'Enabled', hypervisor: 'Simulator', guestcidraddress: '10.64.0.0/12', networkmode: 'vxlan', internalcidr: '192.0.2.0/24', publicbridge: 'br-pub' }); // prettier-ignore
    expect((await h.call('listZones', { name: 'Zürich 2' })).content.zone[0]).toEqual(reply.content.zone);
    expect((await add({ zoneid: reply.content.zone.id as string })).status).toBe(200);
    const seen = (await h.call('listZones', { name: 'Zürich 2' }, h.users.U)).content.zone[0];
    expect(seen).not.toHaveProperty('gatewayurl');
  });

  test('shows the host key of a gateway over SSH before it pins it', async () => {
    const gatewayurl = `ssh://cks-gateway@127.0.0.1:${ssh.port}`;
    const text = refused(await make({ gatewayurl, sshprivatekey: client.private }), 431);
    expect(text).toContain(`sshhostkey=${words(ssh.key.public)}`);
    const reply = await make({ gatewayurl, sshprivatekey: client.private, sshhostkey: ssh.key.public });
    expect(reply.content.zone).toMatchObject({ gatewayurl });
    const names = await h.db('secret').where({ owner: `zone/${reply.content.zone.id}` }).orderBy('name').pluck('name'); // prettier-ignore
    expect(names).toEqual(['known-host', 'ssh']);
  });

  test.each([
    [{ name: 'sim-1' }, 'A zone named sim-1 exists already'],
    [{ name: 'SIM-1' }, 'A zone named SIM-1 exists already'],
    [{ name: 'a<b' }, 'name must not hold'],
    [{ name: 'x'.repeat(101) }, 'name must have 100 characters at most'],
    [{ networktype: 'Basic' }, 'networktype must be Advanced, found "Basic"'],
    [{ networkmode: 'ovs' }, 'networkmode must be bridge or vxlan, found "ovs"'],
    [{ dns1: 'dns' }, 'dns1 must be an IPv4 address, found "dns"'],
    [{ guestcidraddress: '10.0.0.0/24' }, 'guestcidraddress must be an IPv4 range'],
    [{ guestcidraddress: '10.1.2.3/8' }, 'nothing set behind it, found "10.1.2.3/8"'],
    [{ bridge: 'a-name-of-sixteen' }, 'bridge must have 15 characters at most'],
    [{ gatewayurl: 'http://gw' }, 'gatewayurl: the scheme http:// is unknown'],
    [{ gatewayurl: 'ssh://gw' }, 'must name user and host'],
    [{ gatewayurl: 'ssh://u@gw/path' }, 'must end after its host and port'],
  ])('refuses %j', async (more: Record<string, string>, text) => {
    expect(refused(await make(more), 431)).toContain(text);
  });
});

describe('deleteZone', () => {
  test('names what is in the zone until nothing is, then takes the rest of it away and frees its name', async () => {
    const wish = { name: 'short-lived', networktype: 'Advanced', hypervisor: 'Simulator', dns1: '10.0.0.53', gatewayurl: 'simulator://127.0.0.1:18090/gateway-5' }; // prettier-ignore
    const id = (await h.post('createZone', wish)).content.zone.id as string;
    const host = (await add({ zoneid: id })).content.host[0];
    await h.call('createStoragePool', { zoneid: id, name: 'fast', url: 'nfs://store/export/cks' });
    await h.call('createVlanIpRange', { zoneid: id, startip: '198.51.100.10', endip: '198.51.100.12', gateway: '198.51.100.1', netmask: '255.255.255.0' }); // prettier-ignore
    expect(refused(await h.call('deleteZone', { id }), 431)).toBe(`Zone short-lived has hosts: ${host.name}. Delete them first`); // prettier-ignore
    await h.call('deleteHost', { id: host.id as string });
    expect((await h.call('deleteZone', { id })).content).toEqual({ success: true });
    for (const table of ['user_ip_address', 'vlan'])
      expect({ table, rows: await h.db(table).where({ data_center_id: id }) }).toEqual({ table, rows: [] });
    expect((await h.call('listZones', { id })).content).toEqual({});
    expect((await h.call('listStoragePools', { zoneid: id })).content).toEqual({});
    expect(await h.db('secret').where({ owner: `zone/${id}` })).toEqual([]);
    expect(await h.db('event').where({ type: 'ZONE.DELETE', resource_id: id })).toHaveLength(1);
    expect(refused(await h.call('deleteZone', { id }), 431)).toContain('was removed');
    expect((await h.post('createZone', wish)).content.zone.id).not.toBe(id);
  });

  test('is refused while clusters, machines or networks are in it, each by name, and to users always', async () => {
    const gone = { removed: '2026-01-01 00:00:00.000' };
    // What tests above left, in whichever zone.
    for (const table of ['kubernetes_cluster', 'vm_instance', 'networks']) await h.db(table).update(gone);
    const cluster = await addCluster(h.db, h.users.U, { name: 'keeps', zone_id: zone });
    const text = async () => refused(await h.call('deleteZone', { id: zone }), 431);
    expect(await text()).toBe('Zone sim-1 has Kubernetes clusters: keeps. Delete them first');
    await h.db('kubernetes_cluster').where({ uuid: cluster.uuid }).update({ zone_id: kvm });
    await h.db('vm_instance').whereIn('uuid', cluster.machineIds).update({ data_center_id: zone });
    expect(await text()).toBe('Zone sim-1 has machines: keeps-control-0, keeps-worker-1. Delete them first');
    await h.db('vm_instance').whereIn('uuid', cluster.machineIds).update(gone);
    await h.db('networks').where({ uuid: cluster.networkId }).update({ data_center_id: zone });
    expect(await text()).toBe('Zone sim-1 has networks: keeps-network. Delete them first');
    expect((await h.call('listKubernetesClusters', { id: cluster.uuid })).content.count).toBe(1);
    expect((await h.call('deleteZone', { id: zone }, h.users.D)).status).toBe(432);
  });
});

describe('storage pools', () => {
  test('become the pool of all hosts of a zone, or of one', async () => {
    const zoneid = (await h.post('createZone', { name: 'pools', networktype: 'Advanced', hypervisor: 'Simulator', dns1: '10.0.0.53', gatewayurl: 'simulator://127.0.0.1:18090/gateway-4' })).content.zone.id as string; // prettier-ignore
    const [a, b] = [(await add({ zoneid })).content.host[0], (await add({ zoneid })).content.host[0]];
    const made = await h.call('createStoragePool', { zoneid, name: 'fast', url: 'nfs://store/export/cks' });
    expect(made.content.storagepool).toMatchObject({ name: 'fast', type: 'nfs', path: 'nfs://store/export/cks', scope: 'ZONE', zonename: 'pools', state: 'Up' }); // prettier-ignore
    const own = await h.call('createStoragePool', {
      zoneid,
      name: 'own',
      url: 'dir:///srv/cks',
      hostid: b.id as string,
    });
    expect(own.content.storagepool).toMatchObject({ scope: 'HOST', hostid: b.id, hostname: b.name });
    const pools = async () => ((await h.call('listHosts', { zoneid })).content.host as { pool: string }[]).map(({ pool }) => pool); // prettier-ignore
    expect(await pools()).toEqual(['fast', 'own']);
    expect((await h.call('listStoragePools', { zoneid })).content.count).toBe(2);
    expect((await h.call('listStoragePools', { hostid: b.id as string })).content.storagepool[0].name).toBe('own');
    const cluster = await addCluster(h.db, h.users.U, { name: 'stored' });
    await h
      .db('vm_instance')
      .whereIn('uuid', cluster.machineIds)
      .update({ host_id: a.id as string });
    const text = refused(await h.call('createStoragePool', { zoneid, name: 'late', url: 'dir:///srv' }), 431);
    expect(text).toContain(`hosts that have machines in another one: ${a.name} (fast)`);
    expect(await pools()).toEqual(['fast', 'own']);
  });

  test.each([
    [{ name: '../x' }, 'name must be of letters'],
    [{ url: 'iscsi://h/x' }, 'unknown scheme iscsi://'],
    [{ url: 'rbd://user:secret@mon/pool' }, 'url holds a user or a password'],
    [{ url: 'nfs:///x' }, 'url names no server'],
    [{ url: 'dir:///' }, 'url must name a path'],
    [{ url: "dir:///a'b" }, 'url has characters that no URL has'],
    [{ scope: 'CLUSTER' }, 'scope must be ZONE or HOST'],
    [{ scope: 'HOST' }, 'scope HOST needs hostid'],
  ])('refuse %j', async (more: Record<string, string>, text) => {
    const reply = await h.call('createStoragePool', { zoneid: zone, name: 'p', url: 'dir:///srv', ...more });
    expect(refused(reply, 431)).toContain(text);
  });
});
