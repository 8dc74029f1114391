import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GuestNode, lines } from './guest-node.js';
import { Pki } from './pki.js';

const ETCD = '/usr/bin/etcd';
const ETCDCTL = '/usr/bin/etcdctl';
const REAL = ['curl'];
/** The real etcd counts time: a member that has just come up is unhealthy to the others for some seconds. */
const PAUSE = { CKS_PAUSE: '1' };

const addressOf = (index: number) => `127.0.77.${index}`;
const nameOf = (index: number) => `demo-etcd-${index}`;
const membersOf = (...indexes: number[]) =>
  indexes.map((index) => `${nameOf(index)}=https://${addressOf(index)}:2380`).join(',');

/** Real etcd, real TLS, three machines on loopback addresses. */
(existsSync(ETCD) ? describe : describe.skip)('cks-node etcd', () => {
  let pki: Pki;
  const nodes = new Map<number, GuestNode>();

  beforeAll(() => {
    pki = new Pki(mkdtempSync(join(tmpdir(), 'cks-pki-')));
    for (const index of [1, 2, 3, 4])
      pki.issue(nameOf(index), `/CN=${nameOf(index)}`, 365, `IP:${addressOf(index)},IP:127.0.0.1`);
  });
  afterEach(async () => {
    for (const node of nodes.values()) await node.remove();
    nodes.clear();
  });
  afterAll(() => rmSync(pki.folder, { recursive: true, force: true }));

  const machine = (index: number) => {
    const node = new GuestNode(REAL);
    mkdirSync(join(node.root, 'opt/bin'), { recursive: true });
    mkdirSync(join(node.root, 'etc/systemd/system'), { recursive: true });
    copyFileSync(ETCD, join(node.root, 'opt/bin/etcd'));
    nodes.set(index, node);
    return node;
  };
  const on = (index: number) => nodes.get(index) ?? machine(index);
  const values = (index: number, members: string) => ({
    action: 'install',
    name: nameOf(index),
    address: addressOf(index),
    members,
    ca: pki.base64('ca.crt'),
    cert: pki.base64(`${nameOf(index)}.crt`),
    key: pki.base64(`${nameOf(index)}.key`),
  });
  const install = (index: number, key: string, members = membersOf(1, 2, 3)) =>
    on(index).call('etcd', key, values(index, members), PAUSE);
  const etcd = (index: number, key: string, more: Record<string, string>) => on(index).call('etcd', key, more, PAUSE);
  const stopped = (index: number) => process.kill(Number(on(index).stored('fake/units/etcd.service')), 'SIGKILL');

  let look = 0;
  const health = async (index: number) => (await etcd(index, `health-${look++}`, { action: 'health' })).answer.result as unknown as { members: { name: string; healthy: boolean }[]; quorum: boolean }; // prettier-ignore
  const healthOnce = async (index: number, wanted: (seen: Awaited<ReturnType<typeof health>>) => boolean) => {
    for (let tries = 0; tries < 30; tries++) {
      const seen = await health(index);
      if (wanted(seen)) return seen;
    }
    throw new Error(`etcd on ${nameOf(index)} does not come to the state: ${JSON.stringify(await health(index))}`);
  };
  const allWell = (index: number) =>
    healthOnce(index, ({ members, quorum }) => quorum && members.every(({ healthy }) => healthy));
  const etcdctl = (index: number, ...words: string[]) =>
    spawnSync(ETCDCTL, ['--endpoints', `https://${addressOf(index)}:2379`, '--cacert', join(pki.folder, 'ca.crt'), '--cert', join(pki.folder, `${nameOf(index)}.crt`), '--key', join(pki.folder, `${nameOf(index)}.key`), ...words], { encoding: 'utf8', env: { ...process.env, ETCDCTL_API: '3' } }); // prettier-ignore

  test('three members come up one after the other, serve TLS only to those with a certificate, save, lose and replace one', async () => {
    // The first one alone: it runs, and says that it has no quorum.
    expect((await install(1, 'install-1')).answer).toMatchObject({ state: 'done', result: {} });
    expect(await health(1)).toEqual({ members: [{ name: nameOf(1), healthy: false }], quorum: false });
    await install(2, 'install-1');
    const two = await healthOnce(1, ({ quorum }) => quorum);
    expect(two.members).toHaveLength(3);
    expect(two.members).toContainEqual({ name: nameOf(3), healthy: false });
    await install(3, 'install-1');
    const three = await allWell(3);
    expect(three.members.map(({ name }) => name).sort()).toEqual([1, 2, 3].map(nameOf));

    // The same again, with another key: nothing.
    const restarts = on(1).made('systemctl restart etcd');
    expect((await install(1, 'install-2')).answer.state).toBe('done');
    expect(on(1).made('systemctl restart etcd')).toBe(restarts);
    expect(statSync(join(on(1).root, 'etc/etcd/member.key')).mode & 0o777).toBe(0o600);
    const shown = `${spawnSync('ps', ['axww', '-o', 'args'], { encoding: 'utf8' }).stdout}${on(1).calls().join('\n')}`;
    expect(shown).not.toContain(pki.base64(`${nameOf(1)}.key`).slice(0, 60));
    expect(readdirSync(join(on(1).root, 'var/lib/cks')).filter((name) => name.endsWith('.input'))).toEqual([]);

    const stranger = spawnSync('curl', ['-ks', '-m', '5', `https://${addressOf(1)}:2379/health`], { encoding: 'utf8' });
    expect(stranger.status).not.toBe(0);

    // A snapshot that etcd's own tool takes, three of them kept.
    expect(etcdctl(1, 'put', 'where', 'x'.repeat(100_000)).status).toBe(0);
    for (const key of ['save-1', 'save-2', 'save-3', 'save-4']) {
      const { answer } = await etcd(1, key, { action: 'save' });
      expect(answer.result).toEqual({
        file: join(on(1).root, `var/lib/cks/etcd/${key}.db`),
        bytes: expect.any(Number) as number,
      });
    }
    const kept = join(on(1).root, 'var/lib/cks/etcd');
    expect(readdirSync(kept).sort()).toEqual(['save-2.db', 'save-3.db', 'save-4.db']);
    expect(statSync(join(kept, 'save-4.db')).mode & 0o777).toBe(0o600);
    const restored = spawnSync(ETCDCTL, ['snapshot', 'restore', join(kept, 'save-4.db'), '--data-dir', join(kept, 'restored')], { encoding: 'utf8', env: { ...process.env, ETCDCTL_API: '3' } }); // prettier-ignore
    expect([restored.status, restored.stderr]).toEqual([0, expect.any(String)]);
    rmSync(join(kept, 'restored'), { recursive: true });

    // One is lost: a healthy one may not go, the lost one may, and the second time it is gone already.
    stopped(3);
    await healthOnce(1, ({ members }) => members.some(({ name, healthy }) => name === nameOf(3) && !healthy));
    const refused = await etcd(1, 'remove-1', { action: 'remove', member: nameOf(2) });
    expect(refused.answer.error).toBe(
      'etcd would lose its quorum without demo-etcd-2: of the 2 other members 1 are healthy',
    );
    for (const key of ['remove-2', 'remove-3'])
      expect((await etcd(1, key, { action: 'remove', member: nameOf(3) })).answer).toMatchObject({
        state: 'done',
        result: {},
      });
    expect((await allWell(1)).members).toHaveLength(2);

    // Another machine takes its place, and a member whose data is lost is told to be removed first.
    expect((await install(4, 'install-1', membersOf(1, 2, 4))).answer.state).toBe('done');
    const again = await allWell(4);
    expect(again.members.map(({ name }) => name).sort()).toEqual([1, 2, 4].map(nameOf));
    expect(etcdctl(4, 'get', 'where', '--keys-only').stdout.trim()).toBe('where');
    stopped(4);
    rmSync(join(on(4).root, 'var/lib/etcd'), { recursive: true });
    expect((await install(4, 'install-2', membersOf(1, 2, 4))).answer.error).toContain(
      'etcd knows demo-etcd-4 already, but its data is not on this machine: remove the member first',
    );
    const { answer } = await on(1).call('evidence', 'e-1');
    expect(answer.result['etcd']).toContain(`${nameOf(1)} true yes`);
    expect(answer.result['certificates']).toMatch(/^\d{4}-.*Z nobody \/etc\/etcd\//m);
  }, 180_000);

  test('a member of a control node is asked with the certificates that kubeadm made', async () => {
    await install(1, 'install-1', membersOf(1));
    const control = machine(2);
    control.put('etc/kubernetes/manifests/etcd.yaml', `    - --listen-client-urls=https://${addressOf(1)}:2379,https://10.0.0.1:2379\n    - --name=demo-control-1\n`); // prettier-ignore
    control.put('etc/kubernetes/pki/etcd/ca.crt', pki.read('ca.crt'));
    control.put('etc/kubernetes/pki/etcd/healthcheck-client.crt', pki.read(`${nameOf(1)}.crt`));
    control.put('etc/kubernetes/pki/etcd/healthcheck-client.key', pki.read(`${nameOf(1)}.key`));
    expect(await allWell(2)).toEqual({ members: [{ name: nameOf(1), healthy: true }], quorum: true });
    expect((await etcd(2, 'save-1', { action: 'save' })).answer.state).toBe('done');
    expect((await etcd(2, 'remove-1', { action: 'remove', member: nameOf(1) })).answer.error).toContain(
      'lose its quorum',
    );
    expect((await etcd(2, 'remove-2', { action: 'remove', member: 'nobody' })).answer.state).toBe('done');
  }, 60_000);

  test('a control node is upgraded only once its member has stored what its log has, so that etcd 3.6 does not read that again', async () => {
    await on(1).call('etcd', 'install-1', values(1, membersOf(1)), { ...PAUSE, ETCD_SNAPSHOT_COUNT: '500' });
    await allWell(1);
    const control = machine(2);
    const run = (subcommand: string, key: string, more: Record<string, string>) =>
      control.call(subcommand, key, { attempts: '1', wait_seconds: '0', ...more }, PAUSE);
    control.makeMedium();
    await run('install', 'install-1', { version: '1.34.2', role: 'control' });
    control.put('etc/kubernetes/manifests/kube-apiserver.yaml', '');
    control.put('etc/kubernetes/manifests/etcd.yaml', ['listen-client-urls=https://127.0.77.1:2379', 'name=demo-control-1', 'data-dir=/var/lib/etcd', 'snapshot-count=500'].map((flag) => `    - --${flag}\n`).join('')); // prettier-ignore
    control.put('etc/kubernetes/pki/etcd/ca.crt', pki.read('ca.crt'));
    control.put('etc/kubernetes/pki/etcd/healthcheck-client.crt', pki.read(`${nameOf(1)}.crt`));
    control.put('etc/kubernetes/pki/etcd/healthcheck-client.key', pki.read(`${nameOf(1)}.key`));
    control.put('var/lib/cks/in-cluster', 'join\n');
    control.makeMedium('1.35.0', ['kube-apiserver:v1.35.0', 'pause:3.11']);
    expect((await run('prestage', 'stage-1', { version: '1.35.0' })).answer.state).toBe('done');
    // What the member stores is not where this node's manifest says.
    const upgrade = (key: string) => control.call('upgrade', key, { version: '1.35.0', mode: 'control', network: 'no' }, PAUSE);
    expect((await upgrade('upgrade-1')).answer.error).toMatch(/^etcd has not stored what its log has up to entry \d+$/);
    expect(control.made('kubeadm upgrade')).toBe(0);

    symlinkSync(join(on(1).root, 'var/lib/etcd'), join(control.root, 'var/lib/etcd'));
    const kubelet = createServer((_, reply) => reply.end('ok')).listen(10248, '127.0.0.1');
    expect((await upgrade('upgrade-2')).answer).toMatchObject({ state: 'done' });
    kubelet.close();
    expect(control.made('kubeadm upgrade')).toBe(1);
    const stored = readdirSync(join(control.root, 'var/lib/etcd/member/snap')).filter((name) => name.endsWith('.snap'));
    expect(stored).not.toEqual([]);
    expect(etcdctl(1, 'get', '--prefix', '', '--keys-only').stdout.trim()).toBe('');
  }, 90_000); // prettier-ignore

  test('killed between its files and its start, the next run starts it; with another certificate it is restarted', async () => {
    const { child, ended } = on(1).begin(['etcd', 'install-1'], lines(values(1, membersOf(1))), PAUSE);
    for (let waited = 0; !existsSync(join(on(1).root, 'etc/etcd/member')) && waited < 500; waited++) await new Promise((resolve) => setTimeout(resolve, 10)); // prettier-ignore
    process.kill(-Number(on(1).stored('fake/units/cks-install-1.service')), 'SIGKILL');
    child.kill('SIGKILL');
    await ended.catch(() => undefined);
    expect((await install(1, 'install-2', membersOf(1))).answer.state).toBe('done');
    await allWell(1);
    const restarts = on(1).made('systemctl restart etcd');
    pki.issue(nameOf(1), `/CN=${nameOf(1)}`, 300, `IP:${addressOf(1)},IP:127.0.0.1`);
    expect((await install(1, 'install-3', membersOf(1))).answer.state).toBe('done');
    expect(on(1).made('systemctl restart etcd')).toBe(restarts + 1);
    await allWell(1);
  }, 60_000);

  test('what cannot be etcd is refused: no program, no key, no member here', async () => {
    const node = machine(1);
    expect((await etcd(1, 'health-1', { action: 'health' })).answer.error).toBe('this machine has no etcd');
    const wrong = await node.call(
      'etcd',
      'install-1',
      { ...values(1, membersOf(1)), key: Buffer.from('no key').toString('base64') },
      PAUSE,
    );
    expect(wrong.answer.error).toBe('the value of key is not base64 of a PEM key');
    rmSync(join(node.root, 'opt/bin/etcd'));
    expect((await install(1, 'install-2')).answer.error).toContain('run install with role etcd first');
    expect((await node.call('etcd', 'install-3', { action: 'install', name: 'a' })).stderr).toContain(
      'etcd install needs a value for address',
    );
    expect((await node.call('etcd', 'remove-1', { action: 'remove' })).stderr).toContain(
      'etcd remove needs a value for member',
    );
  }, 30_000);
});

describe('cks-node install of an etcd machine', () => {
  test('takes only etcd from the medium, and says so when there is none', async () => {
    const node = new GuestNode();
    try {
      node.makeMedium();
      const input = { version: '1.34.2', role: 'etcd', attempts: '1', wait_seconds: '0' };
      expect((await node.call('install', 'i-1', input)).answer.error).toContain(
        'the medium has no etcd/etcd-linux-*64.tar.gz',
      );
      const folder = join(node.fake, 'etcd-v3.5.1-linux-amd64');
      mkdirSync(folder);
      for (const name of ['etcd', 'etcdctl']) copyFileSync('/bin/true', join(folder, name));
      mkdirSync(join(node.fake, 'medium/etcd'));
      spawnSync('tar', [
        '-C',
        node.fake,
        '-czf',
        join(node.fake, 'medium/etcd/etcd-linux-amd64.tar.gz'),
        'etcd-v3.5.1-linux-amd64',
      ]);
      expect((await node.call('install', 'i-2', input)).answer).toMatchObject({
        state: 'done',
        result: { version: '1.34.2' },
      });
      expect(readdirSync(join(node.root, 'opt/bin')).sort()).toEqual(['etcd', 'etcdctl']);
      expect(node.made('ctr')).toBe(0);
      const mounts = node.made('mount');
      expect((await node.call('install', 'i-3', input)).answer.state).toBe('done');
      expect(node.made('mount')).toBe(mounts);
      expect(readFileSync(join(node.root, 'var/lib/cks/installed'), 'utf8')).toBe('etcd of v1.34.2\n');
    } finally {
      await node.remove();
    }
  });
});
