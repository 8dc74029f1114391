import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GuestNode } from './guest-node.js';
import { Pki } from './pki.js';

const NAMES = ['apiserver', 'apiserver-kubelet-client', 'front-proxy-client'];
const KUBELET = 'var/lib/kubelet/pki/kubelet-client-current.pem';
const day = (offset: number) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);

describe('cks-node renew', () => {
  let node: GuestNode;
  let pki: Pki;

  /** A control node whose certificates end in so many days; kubeadm, asked to, brings some that end in 365. */
  const control = (days: number, kubeletDays = 300) => {
    const issue = (name: string, ends: number, subject = `/CN=${name}`) => pki.issue(name, subject, ends);
    mkdirSync(join(node.fake, 'renewed'));
    node.put('etc/kubernetes/pki/ca.crt', pki.read('ca.crt'));
    node.put('etc/kubernetes/pki/ca.key', pki.read('ca.key'));
    for (const name of [...NAMES, 'admin']) {
      const folder = name === 'admin' ? 'etc/kubernetes' : 'etc/kubernetes/pki';
      const file = name === 'admin' ? 'admin.conf' : `${name}.crt`;
      const text = () =>
        name === 'admin'
          ? `users:\n- user:\n    client-certificate-data: ${pki.base64('admin.crt')}\n`
          : pki.read(file);
      issue(name, days);
      node.put(`${folder}/${file}`, text());
      issue(name, 365);
      writeFileSync(join(node.fake, 'renewed', file), text());
    }
    issue('kubelet', kubeletDays, '/O=system:nodes/CN=system:node:demo-control-1');
    node.put('var/lib/kubelet/pki/kubelet-client-old.pem', pki.read('kubelet.crt') + pki.read('kubelet.key'));
    symlinkSync(join(node.root, 'var/lib/kubelet/pki/kubelet-client-old.pem'), join(node.root, KUBELET));
    node.put('etc/kubernetes/manifests/kube-apiserver.yaml', '');
    node.put('etc/kubernetes/manifests/etcd.yaml', '');
  };

  beforeEach(() => {
    node = new GuestNode();
    pki = new Pki(mkdtempSync(join(tmpdir(), 'cks-pki-')));
    node.makeMedium();
    mkdirSync(join(node.root, 'opt/bin'), { recursive: true });
    symlinkSync(join(node.fake, 'medium/k8s/kubeadm'), join(node.root, 'opt/bin/kubeadm'));
  });
  afterEach(async () => {
    await node.remove();
    rmSync(pki.folder, { recursive: true, force: true });
  });

  const renew = (key: string, days: number) => node.call('renew', key, { within_days: String(days) });

  test('tells the first to end and renews nothing while none is due, nor with 0 days', async () => {
    control(40);
    expect((await renew('r-1', 30)).answer.result).toEqual({
      expires: expect.stringMatching(`^${day(40)}T`) as string,
      renewed: 'no',
    });
    expect((await renew('r-2', 0)).answer.result['renewed']).toBe('no');
    expect(node.made('kubeadm certs')).toBe(0);
    expect(node.made('systemctl restart')).toBe(0);
  });

  test('renews what kubeadm made when one is due, restarts static pods and kubelet, and does so once', async () => {
    control(10);
    expect((await renew('r-1', 30)).answer.result).toEqual({
      expires: expect.stringMatching(`^${day(300)}T`) as string,
      renewed: 'yes',
    });
    for (const name of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])
      expect(node.calls()).toContain(`ctr -n k8s.io tasks kill -s SIGTERM container-of-${name}`);
    // Without an API server a kubelet takes minutes after its start until the node is Ready.
    const steps = () => node.calls().map((line) => /^(ctr -n k8s.io tasks kill|curl .*6443|systemctl restart)/.exec(line)?.[1]?.split(' ')[0]).filter(Boolean); // prettier-ignore
    expect(steps()).toEqual(['ctr', 'ctr', 'ctr', 'ctr', 'curl', 'systemctl']);
    expect((await renew('r-2', 30)).answer.result['renewed']).toBe('no');
    expect(node.made('kubeadm certs renew all')).toBe(1);
  });

  test('kubeadm is told of an etcd on other machines: it could not ask an API server that is not there yet, or whose certificates ended', async () => {
    control(-5);
    rmSync(join(node.root, 'etc/kubernetes/manifests/etcd.yaml'));
    node.put('etc/kubernetes/manifests/kube-apiserver.yaml', '    - --etcd-servers=https://10.1.1.5:2379,https://10.1.1.6:2379\n'); // prettier-ignore
    expect((await renew('r-1', 30)).answer.result['renewed']).toBe('yes');
    const [, file = ''] = /^kubeadm certs renew all --config (.+)$/m.exec(node.calls().join('\n')) ?? [];
    expect(file).toMatch(/r-1\.yaml$/);
    expect(existsSync(file)).toBe(false);
    expect(readFileSync(join(node.fake, 'config-certs'), 'utf8')).toContain(
      [
        'etcd:',
        '  external:',
        '    endpoints:',
        '      - "https://10.1.1.5:2379"',
        '      - "https://10.1.1.6:2379"',
        `    caFile: "${node.root}/etc/kubernetes/pki/etcd/ca.crt"`,
        `    certFile: "${node.root}/etc/kubernetes/pki/apiserver-etcd-client.crt"`,
        `    keyFile: "${node.root}/etc/kubernetes/pki/apiserver-etcd-client.key"`,
      ].join('\n'),
    );
  });

  test("a kubelet certificate that has ended is made anew for the same node by the cluster's CA", async () => {
    control(300, -5);
    expect((await renew('r-1', 0)).answer.result).toEqual({
      expires: expect.stringMatching(`^${day(-5)}T`) as string,
      renewed: 'no',
    });
    expect((await renew('r-2', 30)).answer.result).toEqual({
      expires: expect.stringMatching(`^${day(300)}T`) as string,
      renewed: 'yes',
    });
    const pem = node.stored(KUBELET);
    const made = new X509Certificate(pem);
    expect(made.subject).toBe('O=system:nodes\nCN=system:node:demo-control-1');
    expect(made.verify(new X509Certificate(pki.read('ca.crt')).publicKey)).toBe(true);
    expect(made.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(pem).toContain('PRIVATE KEY');
    expect(lstatSync(join(node.root, KUBELET)).isSymbolicLink()).toBe(true);
    expect(readdirSync(join(node.root, 'var/lib/kubelet/pki')).filter((name) => /\.(key|csr|crt)$/.test(name))).toEqual(
      [],
    );
    expect(node.made('kubeadm certs')).toBe(0);
  });

  test('a kubelet that does not live is started before the API server is waited for: nobody else starts that', async () => {
    control(10, -5);
    writeFileSync(join(node.fake, 'kubelet-down'), '');
    expect((await renew('r-1', 30)).answer.result['renewed']).toBe('yes');
    const calls = node.calls();
    expect(calls.findIndex((line) => line.startsWith('systemctl restart kubelet'))).toBeLessThan(calls.findIndex((line) => /^curl .*6443/.test(line))); // prettier-ignore
  });

  test('cut off after the files were renewed, the next run still restarts what had read the old ones', async () => {
    control(365);
    node.put('var/lib/cks/renewing', '');
    expect((await renew('r-1', 30)).answer.result['renewed']).toBe('yes');
    expect(node.made('kubeadm certs')).toBe(0);
    expect(node.made('ctr -n k8s.io tasks kill')).toBe(4);
    expect(existsSync(join(node.root, 'var/lib/cks/renewing'))).toBe(false);
  });

  test('a client certificate of an etcd on other machines is told, and not taken for one of kubeadm', async () => {
    control(300);
    rmSync(join(node.root, 'etc/kubernetes/manifests/etcd.yaml'));
    pki.issue('client', '/CN=client', 9);
    node.put('etc/kubernetes/pki/apiserver-etcd-client.crt', pki.read('client.crt'));
    expect((await renew('r-1', 30)).answer.result).toEqual({
      expires: expect.stringMatching(`^${day(9)}T`) as string,
      renewed: 'no',
    });
  });

  test('a worker is told only; past its end it joins anew, though its Node is there', async () => {
    pki.issue('kubelet', '/O=system:nodes/CN=system:node:demo-worker-1', -2);
    node.put(KUBELET, pki.read('kubelet.crt') + pki.read('kubelet.key'));
    expect((await renew('r-1', 30)).answer.result).toEqual({
      expires: expect.stringMatching(`^${day(-2)}T`) as string,
      renewed: 'no',
    });
    writeFileSync(join(node.fake, 'ca.crt'), pki.read('ca.crt'));
    node.put('etc/kubernetes/pki/ca.crt', pki.read('ca.crt'));
    node.put('etc/kubernetes/kubelet.conf', '');
    node.put('var/lib/cks/in-cluster', 'join\n');
    node.touch('node-known');
    const hash = new X509Certificate(pki.read('ca.crt')).publicKey.export({ type: 'spki', format: 'der' });
    const { createHash } = await import('node:crypto');
    const values = { role: 'worker', name: 'demo-worker-1', address: '10.1.1.11', endpoint: '127.9.0.4:6443', token: 'q1w2e3.a1s2d3f4g5h6j7k8', ca_hash: `sha256:${createHash('sha256').update(hash).digest('hex')}` }; // prettier-ignore
    expect((await node.call('join', 'j-1', values)).answer).toMatchObject({ state: 'done' });
    expect(node.calls().filter((line) => /^kubeadm (join|reset)/.test(line)).map((line) => line.split(' ')[1])).toEqual(['reset', 'join']); // prettier-ignore
  });

  test('evidence tells when each ends; a machine without any is a failure', async () => {
    expect((await renew('r-1', 30)).answer.error).toBe('this machine has no certificates: it is in no cluster');
    control(40);
    const { answer } = await node.call('evidence', 'e-1');
    expect(answer.result['certificates']).toContain(`kubeadm /etc/kubernetes/pki/apiserver.crt`);
    expect(answer.result['certificates']).toMatch(new RegExp(`^${day(40)}T\\S+ kubeadm `));
    expect(readFileSync(join(node.root, 'etc/kubernetes/admin.conf'), 'utf8')).toContain('client-certificate-data');
    expect(JSON.stringify(answer)).not.toContain('BEGIN');
  });
});

describe('cks-node with an etcd of other machines', () => {
  test('init writes the files, names the endpoints, applies no network when told; share shares the files too', async () => {
    const node = new GuestNode();
    const pki = new Pki(mkdtempSync(join(tmpdir(), 'cks-pki-')));
    try {
      pki.issue('client', '/CN=client');
      node.makeMedium();
      writeFileSync(join(node.fake, 'ca.crt'), pki.read('ca.crt'));
      await node.call('install', 'i-1', { version: '1.34.2', role: 'control', attempts: '1', wait_seconds: '0' });
      const values = { version: '1.34.2', name: 'c1', address: '10.1.1.10', endpoint: '127.9.0.4:6443', pod_cidr: '', network: 'no', etcd_endpoints: 'https://10.1.1.20:2379,https://10.1.1.21:2379' }; // prettier-ignore
      expect((await node.call('init', 'n-0', values)).stderr).toContain(
        'init with etcd_endpoints needs a value for etcd_ca',
      );
      const files = {
        etcd_ca: pki.base64('ca.crt'),
        etcd_cert: pki.base64('client.crt'),
        etcd_key: pki.base64('client.key'),
      };
      expect((await node.call('init', 'n-1', { ...values, ...files })).answer.state).toBe('done');
      const external = new RegExp(
        `etcd:\n  external:\n    endpoints:\n      - "https://10.1.1.20:2379"\n      - "https://10.1.1.21:2379"\n    caFile: "${node.root}/etc/kubernetes/pki/etcd/ca.crt"\n    certFile: .*apiserver-etcd-client.crt"\n    keyFile: .*apiserver-etcd-client.key"`,
      );
      expect(readFileSync(join(node.fake, 'config-init'), 'utf8')).toMatch(external);
      expect(node.stored('etc/kubernetes/pki/apiserver-etcd-client.key')).toBe(pki.read('client.key'));
      expect(lstatSync(join(node.root, 'etc/kubernetes/pki/apiserver-etcd-client.key')).mode & 0o777).toBe(0o600);
      expect(node.calls().filter((line) => line.includes('apply -f'))).toEqual([]);
      node.put(
        'etc/kubernetes/manifests/kube-apiserver.yaml',
        '    - --etcd-servers=https://10.1.1.20:2379,https://10.1.1.21:2379\n',
      );
      await node.call('share', 's-1', { certificate_key: '0'.repeat(64) });
      expect(readFileSync(join(node.fake, 'config-init'), 'utf8')).toMatch(external);
    } finally {
      await node.remove();
      rmSync(pki.folder, { recursive: true, force: true });
    }
  });
});
