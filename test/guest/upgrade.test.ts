import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GuestNode, until } from './guest-node.js';
import { Pki } from './pki.js';

const NEW = ['kube-apiserver:v1.35.0', 'pause:3.11'];

describe('cks-node: another version', () => {
  let node: GuestNode;

  beforeEach(async () => {
    node = new GuestNode();
    node.makeMedium();
    await node.call('install', 'install-1', { version: '1.34.2', role: 'control', attempts: '1', wait_seconds: '0' });
    node.put('etc/kubernetes/manifests/kube-apiserver.yaml', '');
    node.put('etc/kubernetes/admin.conf', '');
    node.put('var/lib/cks/in-cluster', 'init\n');
    node.makeMedium('1.35.0', NEW);
    node.forget();
  });
  afterEach(() => node.remove());

  const stage = (key = 'stage-1', extra = {}) =>
    node.call('prestage', key, { version: '1.35.0', attempts: '1', wait_seconds: '0', ...extra });
  const upgrade = (key: string, mode: string, network = 'yes') =>
    node.call('upgrade', key, { version: '1.35.0', mode, network });
  const staged = () => join(node.root, 'var/lib/cks/versions/1.35.0');
  const kubelet = () => node.stored('opt/bin/kubelet').trim().split('\n').at(-1);
  const order = (calls = node.calls()) =>
    calls.filter((line) => /^(kubeadm upgrade|systemctl (stop|restart|enable|daemon)|kubectl)/.test(line));

  test('prestage puts all of a version beside the running one, which stays as it is', async () => {
    const before = ['opt/bin/kubeadm', 'opt/bin/kubelet', 'etc/containerd/config.toml', 'opt/cni/bin/bridge', 'var/lib/cks/manifests/network.yaml'].map(node.stored); // prettier-ignore
    expect((await stage()).answer).toMatchObject({ state: 'done', result: { version: '1.35.0' } });
    const after = ['opt/bin/kubeadm', 'opt/bin/kubelet', 'etc/containerd/config.toml', 'opt/cni/bin/bridge', 'var/lib/cks/manifests/network.yaml'].map(node.stored); // prettier-ignore
    expect(after).toEqual(before);
    expect(readdirSync(staged()).sort()).toEqual(['10-kubeadm.conf', 'cni', 'cri-tools', 'dashboard.yaml', 'images', 'k8s', 'kubelet.service', 'network.yaml']); // prettier-ignore
    expect(node.made('ctr -n k8s.io images import')).toBe(2);
    expect(node.made('systemctl restart')).toBe(0);
    // A run unmounts the medium on its way out, a moment after its result.
    await until(() => readdirSync(join(node.root, 'var/lib/cks/medium')).length === 0);
  });

  test('prestage under another key does nothing, unless an image is gone by then (report 14)', async () => {
    await stage();
    expect((await stage('stage-2')).answer.state).toBe('done');
    expect(node.made('mount')).toBe(1);
    node.touch('images', readFileSync(join(node.fake, 'images'), 'utf8').replace(/.*pause:3\.11\n/, ''));
    expect((await upgrade('upgrade-1', 'first')).answer.error).toBe(
      'images of v1.35.0 are gone from this node (registry.k8s.io/pause:3.11): run prestage again',
    );
    expect((await stage('stage-3')).answer.state).toBe('done');
    expect(
      node
        .calls()
        .filter((line) => line.includes('images import'))
        .at(-1),
    ).toContain('pause:3.11.tar');
    expect((await upgrade('upgrade-2', 'first')).answer.state).toBe('done');
  });

  test('prestage that was cut off leaves nothing that counts as staged', async () => {
    node.touch('fail-import');
    expect((await stage()).answer.error).toContain('import of kube-apiserver:v1.35.0.tar failed');
    expect(existsSync(staged())).toBe(false);
    rmSync(join(node.fake, 'fail-import'));
    expect((await stage('stage-2')).answer.state).toBe('done');
    expect(readdirSync(join(node.root, 'var/lib/cks/versions'))).toEqual(['1.35.0']);
  });

  test('upgrade of the first control node: kubeadm, then the kubelet stopped, replaced and started, then the network', async () => {
    await stage();
    node.forget();
    expect((await upgrade('upgrade-1', 'first')).answer).toMatchObject({
      state: 'done',
      result: { version: '1.35.0' },
    });
    expect(order()).toEqual([
      'kubeadm upgrade apply -y v1.35.0',
      'systemctl stop kubelet',
      'systemctl daemon-reload',
      'systemctl restart containerd',
      'systemctl enable --now kubelet',
      expect.stringMatching(/^kubectl .*apply -f .*manifests\/network\.yaml$/),
    ]);
    expect(kubelet()).toBe('# version v1.35.0');
    expect(node.stored('opt/cni/bin/bridge')).toBe('1.35.0');
    expect(node.stored('opt/bin/crictl')).toBe('1.35.0');
    expect(node.stored('etc/systemd/system/kubelet.service')).toContain('1.35.0');
    expect(node.stored('etc/containerd/config.toml')).toContain('pause:3.11');
    expect(node.stored('var/lib/cks/manifests/network.yaml')).toContain('1.35.0');
    expect(node.stored('var/lib/cks/installed')).toBe('v1.35.0\n');
    expect(existsSync(join(node.root, 'var/lib/cks/versions'))).toBe(false);
  });

  test('a node that runs the version already is left alone, whatever the key', async () => {
    await stage();
    await upgrade('upgrade-1', 'first');
    node.forget();
    expect((await upgrade('upgrade-1', 'first')).answer.state).toBe('done');
    expect((await upgrade('upgrade-2', 'first')).answer.state).toBe('done');
    expect((await stage('stage-2')).answer.state).toBe('done');
    expect(order()).toEqual(['systemctl enable --now kubelet']);
    expect(node.made('mount')).toBe(0);
  });

  test.each(['control', 'worker'])('mode %s runs kubeadm upgrade node and applies no manifest', async (mode) => {
    await stage();
    node.forget();
    expect((await upgrade('upgrade-1', mode)).answer.state).toBe('done');
    expect(order()[0]).toBe('kubeadm upgrade node');
    expect(node.made('kubectl')).toBe(0);
  });

  test('an upgrade tells when the first certificate of the node ends, also when it is asked again', async () => {
    const pki = new Pki(mkdtempSync(join(tmpdir(), 'cks-pki-')));
    for (const [name, days] of [
      ['apiserver', 200],
      ['admin', 100],
    ] as const) {
      // prettier-ignore
      pki.issue(name, `/CN=${name}`, days);
      node.put(`etc/kubernetes/pki/${name}.crt`, pki.read(`${name}.crt`));
    }
    await stage();
    const day = new Date(Date.now() + 100 * 86_400_000).toISOString().slice(0, 10);
    const told = { version: '1.35.0', expires: expect.stringMatching(`^${day}T`) as string };
    expect((await upgrade('upgrade-1', 'control')).answer.result).toEqual(told);
    expect((await upgrade('upgrade-2', 'control')).answer.result).toEqual(told);
    rmSync(pki.folder, { recursive: true, force: true });
  });

  test("with a network of its own the medium's is not applied", async () => {
    await stage();
    expect((await upgrade('upgrade-1', 'first', 'no')).answer.state).toBe('done');
    expect(node.made('kubectl')).toBe(0);
  });

  test('what the API server forbids right after a restart is tried again, a bounded number of times', async () => {
    await stage();
    const forbidden = 'error: configmaps "kubeadm-config" is forbidden: no relationship found\n';
    node.touch('fail-upgrade', forbidden.repeat(2));
    expect((await upgrade('upgrade-1', 'worker')).answer.state).toBe('done');
    expect(node.made('kubeadm upgrade node')).toBe(3);
    rmSync(join(node.root, 'var/lib/cks/installed'));
    await stage('stage-2');
    node.forget();
    node.touch('fail-upgrade', forbidden.repeat(20));
    expect((await upgrade('upgrade-2', 'worker')).answer.error).toContain(
      'kubeadm upgrade node ended with 1: error: configmaps',
    );
    expect(node.made('kubeadm upgrade node')).toBe(6);
  });

  test('a CoreDNS that kubeadm does not know is no reason to stop; anything else is', async () => {
    await stage();
    node.touch('fail-upgrade', '[ERROR CoreDNSUnsupportedPlugins]: unknown\n');
    expect((await upgrade('upgrade-1', 'first')).answer.state).toBe('done');
    expect(order().slice(0, 2)).toEqual([
      'kubeadm upgrade apply -y v1.35.0',
      'kubeadm upgrade apply -y v1.35.0 --ignore-preflight-errors=CoreDNSUnsupportedPlugins,CoreDNSMigration',
    ]);
    rmSync(join(node.root, 'var/lib/cks/installed'));
    await stage('stage-2');
    node.forget();
    node.touch('fail-upgrade', 'error: etcd is not healthy\n');
    expect((await upgrade('upgrade-2', 'first')).answer.error).toBe(
      'kubeadm upgrade apply -y v1.35.0 ended with 1: error: etcd is not healthy',
    );
    expect(node.made('systemctl stop kubelet')).toBe(0);
  });

  test('killed while kubeadm runs, and killed with the kubelet stopped, the next run finishes', async () => {
    await stage();
    node.touch('hold');
    const first = upgrade('upgrade-1', 'first');
    await until(() => node.made('kubeadm upgrade') > 0);
    process.kill(-Number(readFileSync(join(node.fake, 'units', 'cks-upgrade-1.service'), 'utf8')), 'SIGKILL');
    rmSync(join(node.fake, 'hold'));
    expect((await first).answer.state).toBe('failed');
    expect(kubelet()).toBe('# version v1.34.2');
    const containerd = join(node.fake, 'bin', 'containerd');
    rmSync(containerd); // it dies after the kubelet was stopped
    writeFileSync(containerd, '#!/bin/sh\nexit 7\n');
    chmodSync(containerd, 0o755);
    expect((await upgrade('upgrade-2', 'first')).answer.state).toBe('failed');
    writeFileSync(containerd, '#!/bin/sh\necho \'sandbox = "x"\'\n');
    node.forget();
    expect((await upgrade('upgrade-3', 'first')).answer.state).toBe('done');
    expect(order()).not.toContain('kubeadm upgrade apply -y v1.35.0'); // it had come to its end
    expect(node.calls()).toContain('systemctl enable --now kubelet');
    expect(kubelet()).toBe('# version v1.35.0');
    expect(node.stored('etc/containerd/config.toml')).toBe('sandbox = "registry.k8s.io/pause:3.11"\n');
  });

  test('a kubelet that does not come up is a failure, and the version is not written down (report 16)', async () => {
    await stage();
    node.touch('kubelet-down');
    expect((await upgrade('upgrade-1', 'worker')).answer.error).toMatch(/^kubelet v1\.35\.0 does not become healthy/);
    expect(node.stored('var/lib/cks/installed')).toBe('v1.34.2\n');
  });

  test('is refused without prestage, outside a cluster, and of a control plane that is not there', async () => {
    expect((await upgrade('upgrade-1', 'first')).answer.error).toBe(
      'v1.35.0 is not staged on this node: run prestage first',
    );
    rmSync(join(node.root, 'etc/kubernetes/manifests'), { recursive: true });
    mkdirSync(join(node.root, 'etc/kubernetes/manifests'));
    expect((await upgrade('upgrade-2', 'control')).answer.error).toMatch(
      /runs no control plane.*mode worker, not control/,
    );
    rmSync(join(node.root, 'var/lib/cks/in-cluster'));
    expect((await upgrade('upgrade-3', 'worker')).answer.error).toContain('this node is in no cluster');
  });
});
