import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { FAKE_TOOL, GuestNode, lines } from './guest-node.js';

const PASSWORD = `it's "PLUGIN" \\ & $(x)`;
const REGISTRY = { url: 'https://registry.example:5000/team', username: 'robot', password: PASSWORD };
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('cks-node: what runs beside Kubernetes', () => {
  let node: GuestNode;

  beforeEach(() => {
    node = new GuestNode();
    mkdirSync(join(node.root, 'opt/bin'), { recursive: true });
    symlinkSync(FAKE_TOOL, join(node.root, 'opt/bin/kubectl'));
    node.put('etc/kubernetes/admin.conf', '');
    node.touch('api-up');
    for (const name of ['dashboard', 'provider', 'snapshot-crds', 'manifest'])
      node.put(`var/lib/cks/manifests/${name}.yaml`, `kind: ${name}\n`);
    node.put('var/lib/cks/manifests/autoscaler.yaml', '--nodes=<min>:<max>:<cluster-id>\n');
  });
  afterEach(() => node.remove());

  const component = (key: string, name: string, action: string, values = {}) =>
    node.call('component', key, { name, action, ...values });
  const applied = () =>
    existsSync(join(node.fake, 'manifests')) ? readFileSync(join(node.fake, 'manifests'), 'utf8') : '';
  const config = () => node.stored('etc/containerd/config.toml');

  describe('a component', () => {
    test("is applied from the medium's manifest and removed with it", async () => {
      expect((await component('a', 'provider', 'apply')).answer.result).toEqual({ state: 'applied' });
      expect((await component('b', 'provider', 'remove')).answer.result).toEqual({ state: 'removed' });
      expect(applied()).toBe('apply kind: provider\ndelete kind: provider\n');
    });

    test('that the medium does not have is absent, and nothing is asked of the cluster', async () => {
      expect((await component('a', 'network', 'apply')).answer.result).toEqual({ state: 'absent' });
      expect((await component('b', 'network', 'remove')).answer.result).toEqual({ state: 'absent' });
      expect(node.made('kubectl')).toBe(0);
    });

    test('the dashboard comes with an account and the secret that holds its token', async () => {
      await component('a', 'dashboard', 'apply');
      expect(applied()).toMatch(/^apply kind: dashboard\n/);
      expect(applied()).toMatch(
        /kind: ServiceAccount\n.*name: kubernetes-dashboard-admin-user, namespace: kubernetes-dashboard/,
      );
      expect(applied()).toMatch(/name: kubernetes-dashboard-token, namespace: kubernetes-dashboard/);
      expect(applied()).toContain('name: cluster-admin');
    });

    test('Headlamp is taken where the medium has it', async () => {
      node.put('var/lib/cks/manifests/headlamp.yaml', 'kind: headlamp\n');
      await component('a', 'dashboard', 'apply');
      expect(applied()).toMatch(/^apply kind: headlamp\n/);
      expect(applied()).toContain('name: headlamp-admin, namespace: kube-system');
      expect(applied()).not.toContain('kubernetes-dashboard');
    });

    test('CSI: the definitions of snapshots go first and stay when it is removed', async () => {
      await component('a', 'csi', 'apply');
      await component('b', 'csi', 'remove');
      expect(applied()).toBe('apply kind: snapshot-crds\napply kind: manifest\ndelete kind: manifest\n');
      rmSync(join(node.root, 'var/lib/cks/manifests/snapshot-crds.yaml'));
      expect((await component('c', 'csi', 'apply')).answer.result).toEqual({ state: 'absent' });
    });

    test("the autoscaler's template is filled, and its removal needs no template", async () => {
      const values = { cluster_id: '7f1c-22', min: '2', max: '5' };
      expect((await component('a', 'autoscaler', 'apply', values)).answer.result).toEqual({ state: 'applied' });
      expect(applied()).toBe('apply --nodes=2:5:7f1c-22\n');
      expect((await component('b', 'autoscaler', 'remove')).answer.result).toEqual({ state: 'removed' });
      expect(node.calls().at(-2)).toContain('delete deployment cluster-autoscaler --namespace=kube-system');
      expect((await component('c', 'autoscaler', 'apply')).stderr).toContain('needs a value for cluster_id');
    });

    test('that asks the service for everything is applied, and fails where the node does not reach the service (report 24)', async () => {
      const api_url = 'https://cks.example:8443/client/api';
      expect((await component('a', 'provider', 'apply', { api_url })).answer.result).toEqual({ state: 'applied' });
      node.touch('no-service');
      const { answer } = await component('b', 'provider', 'apply', { api_url });
      expect(answer.error).toBe(
        `${api_url} does not answer from this node: set endpoint.url to an address of the service's API that nodes reach`,
      );
      expect(applied()).toBe('apply kind: provider\n'.repeat(2));
      expect((await component('c', 'provider', 'remove')).answer.result).toEqual({ state: 'removed' });
    });

    test('is refused on a machine that is no control node', async () => {
      rmSync(join(node.root, 'etc/kubernetes/admin.conf'));
      expect((await component('a', 'provider', 'apply')).answer.error).toBe('this machine is not a control node');
    });
  });

  describe('a private registry', () => {
    test('gets its host file and its credentials; nobody but root reads them, and they are in no log or argument', async () => {
      expect((await node.call('registry', 'r-1', REGISTRY)).answer).toMatchObject({ state: 'done', result: {} });
      expect(node.stored('etc/containerd/certs.d/registry.example:5000/hosts.toml')).toContain(
        '[host."https://registry.example:5000"]',
      );
      expect(config()).toContain(
        `[plugins."io.containerd.grpc.v1.cri".registry.configs."registry.example:5000".auth]\n  username = "robot"\n  password = "it's \\"PLUGIN\\" \\\\ & $(x)"\n`,
      );
      expect(config()).toContain(`config_path = "${join(node.root, 'etc/containerd/certs.d')}"`);
      for (const path of ['etc/containerd/config.toml', 'var/lib/cks/registry'])
        expect(statSync(join(node.root, path)).mode & 0o777).toBe(0o600);
      expect(node.stored('var/lib/cks/r-1.log') + node.calls().join('\n')).not.toContain('PLUGIN');
      expect(existsSync(join(node.root, 'var/lib/cks/r-1.input'))).toBe(false);
    });

    test('restarts containerd only for a change, also when it was cut off between change and restart', async () => {
      await node.call('registry', 'r-1', REGISTRY);
      await node.call('registry', 'r-2', REGISTRY);
      expect(node.made('systemctl restart containerd')).toBe(1);
      node.put('var/lib/cks/containerd-changed', '');
      await node.call('registry', 'r-3', REGISTRY);
      expect(node.made('systemctl restart containerd')).toBe(2);
      await node.call('registry', 'r-4', { ...REGISTRY, password: 'other' });
      expect(node.made('systemctl restart containerd')).toBe(3);
      expect(config()).not.toContain('PLUGIN');
    });

    test('in a configuration that a template keeps, its part is replaced, not added again', async () => {
      node.put('etc/cks/keep-containerd', '');
      node.put('etc/containerd/config.toml', 'version = 3\nmine = 1\n');
      await node.call('registry', 'r-1', REGISTRY);
      await node.call('registry', 'r-2', { ...REGISTRY, password: 'other' });
      expect(config().match(/private registry/g)).toHaveLength(1);
      expect(config()).toMatch(/^version = 3\nmine = 1\n# cks-node/);
      expect(config()).toContain('[plugins."io.containerd.cri.v1.images".registry.configs.');
    });

    test('a table or mirrors that a template has are not written a second time', async () => {
      node.put('etc/cks/keep-containerd', '');
      const kept =
        '[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = ""\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]\n';
      node.put('etc/containerd/config.toml', kept);
      await node.call('registry', 'r-1', REGISTRY);
      expect(config()).toMatch(/^\[plugins."io.containerd.grpc.v1.cri".registry\]\n {2}config_path = ""\n/);
      expect(config().match(/\.registry\]/g)).toHaveLength(1);
    });

    test('Docker Hub has another host than its name', async () => {
      await node.call('registry', 'r-1', { ...REGISTRY, url: 'docker.io' });
      expect(node.stored('etc/containerd/certs.d/docker.io/hosts.toml')).toContain(
        'server = "https://registry-1.docker.io"',
      );
      expect(config()).toContain('configs."registry-1.docker.io".auth');
    });
  });

  describe('a CNI configuration', () => {
    const script = (text: string, key: string) => node.call('cni', key, { script: base64(text) });

    test("runs once as root with the admin's kubeconfig", async () => {
      const text = 'echo "$KUBECONFIG" >>"$FAKE/cni-ran"\n';
      expect((await script(text, 'c-1')).answer).toMatchObject({ state: 'done', result: {} });
      expect((await script(text, 'c-2')).answer.state).toBe('done');
      expect(readFileSync(join(node.fake, 'cni-ran'), 'utf8')).toBe(
        `${join(node.root, 'etc/kubernetes/admin.conf')}\n`,
      );
      expect(existsSync(join(node.root, 'var/lib/cks/c-1.script'))).toBe(false);
    });

    test('that fails says with what; what it made the first time is no error the second time', async () => {
      const failed = await script('echo "Error from server: no CNI here"; exit 3', 'c-1');
      expect(failed.answer.error).toBe('the CNI configuration ended with 3: Error from server: no CNI here');
      const again = 'echo "Error from server (AlreadyExists): it is there"; exit 1';
      expect((await script(again, 'c-2')).answer.state).toBe('done');
      expect((await script(`echo "Error: something else"; ${again}`, 'c-3')).answer.state).toBe('failed');
    });

    test('of a megabyte arrives whole; one of more than two is refused', async () => {
      const body = `echo "$0" >/dev/null\n# ${'x'.repeat(1_400_000)}\necho done >"$FAKE/cni-ran"\n`;
      expect((await script(body, 'c-1')).answer.state).toBe('done');
      expect(readFileSync(join(node.fake, 'cni-ran'), 'utf8')).toBe('done\n');
      const large = await node.begin(['cni', 'c-2'], lines({ script: 'A'.repeat(2_200_000) })).ended;
      expect(large.stderr).toContain('the input is too long');
    }, 60_000);

    test('is no base64, and a long line of another value: refused', async () => {
      expect((await node.call('cni', 'c-1', { script: '$(reboot)' })).stderr).toContain('not of the form base64');
      expect((await node.call('registry', 'r-1', { ...REGISTRY, url: 'x'.repeat(9000) })).stderr).toContain('too long');
    });

    test('its words lose keys and passwords on their way into the log', async () => {
      const key = '-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\n-----END EC PRIVATE KEY-----';
      const token = 'eyJhbGciOi.eyJpc3MiOi.c2lnbmVk';
      await script(
        `printf '%s\\n' '${key}' 'password: hunter2' 'token ${token}' 'client-key-data: c2VjcmV0' plain`,
        'c-1',
      );
      const log = node.stored('var/lib/cks/c-1.log');
      for (const secret of ['c2VjcmV0', 'hunter2', token]) expect(log).not.toContain(secret);
      expect(log).toContain('plain');
    });
  });
});
