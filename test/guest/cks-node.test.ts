import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { FAKE_TOOL, GuestNode, lines, PROGRAM, sleep, until, type Ended, type Values } from './guest-node.js';

const TOKEN = 'q1w2e3.a1s2d3f4g5h6j7k8';
const CERTIFICATE_KEY = '0123456789abcdef'.repeat(4);

describe('cks-node', () => {
  let node: GuestNode;
  let root: string;
  let fake: string;
  let caHash: string;

  beforeEach(() => {
    node = new GuestNode();
    ({ root, fake } = node);
    node.makeMedium();
    const make = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-subj',
      '/CN=kubernetes',
    ];
    spawnSync('openssl', [...make, '-keyout', join(fake, 'ca.key'), '-out', join(fake, 'ca.crt')]);
    const pin = 'openssl x509 -pubkey -noout -in "$0" | openssl pkey -pubin -outform der | sha256sum | cut -d" " -f1';
    caHash = `sha256:${spawnSync('bash', ['-c', pin, join(fake, 'ca.crt')], { encoding: 'utf8' }).stdout.trim()}`;
  });

  afterEach(() => node.remove());

  const begin = (args: string[], input: string) => node.begin(args, input);
  const call = (subcommand: string, key: string, values: Values = {}, extra: Values = {}): Promise<Ended> =>
    node.call(subcommand, key, values, extra);

  const INSTALL = { version: '1.34.2', role: 'control', attempts: '2', wait_seconds: '0' };
  const INIT = {
    version: '1.34.2',
    name: 'demo-control-1',
    address: '10.1.1.10',
    endpoint: '127.9.0.4:6443',
    pod_cidr: '10.244.0.0/16',
  };
  const joinOf = (role: string) => ({
    role,
    name: 'demo-worker-1',
    address: '10.1.1.11',
    endpoint: '127.9.0.4:6443',
    token: TOKEN,
    ca_hash: caHash,
    ...(role === 'control' ? { certificate_key: CERTIFICATE_KEY } : {}),
  });
  const calls = () => node.calls();
  const made = (start: string) => node.made(start);
  const stored = (path: string) => node.stored(path);
  const touch = (name: string, text = '') => node.touch(name, text);

  test('passes shellcheck', () => {
    const { stdout, status } = spawnSync('shellcheck', [PROGRAM, FAKE_TOOL], { encoding: 'utf8' });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  describe('a run', () => {
    test('the same key again returns the stored result and runs kubeadm once', async () => {
      await call('install', 'install-1', INSTALL);
      const first = await call('init', 'init-1', INIT);
      const second = await call('init', 'init-1', INIT);
      expect(first.answer).toEqual({ key: 'init-1', state: 'done', exit: 0, result: { ca_hash: caHash }, error: '' });
      expect(second.answer).toEqual(first.answer);
      expect(made('kubeadm init')).toBe(1);
      expect(made('systemd-run')).toBe(2);
      expect(statSync(join(root, 'var/lib/cks/init-1.json')).mode & 0o777).toBe(0o600);
      expect(statSync(join(root, 'var/lib/cks')).mode & 0o777).toBe(0o700);
    });

    test('a connection cut in the middle ends nothing: the same key attaches and gets the result', async () => {
      await call('install', 'install-1', INSTALL);
      touch('hold');
      const first = begin(['init', 'init-1'], lines(INIT));
      await until(() => made('kubeadm init') > 0);
      first.child.kill('SIGKILL');
      await expect(call('status', 'init-1')).resolves.toMatchObject({ status: 3, answer: { state: 'running' } });
      const second = call('init', 'init-1', INIT);
      const third = call('init', 'init-1', INIT);
      await sleep(300);
      rmSync(join(fake, 'hold'));
      expect((await second).answer).toMatchObject({ state: 'done', result: { ca_hash: caHash } });
      expect((await third).answer).toEqual((await second).answer);
      expect(made('kubeadm init')).toBe(1);
    });

    test('two keys run one after the other', async () => {
      await call('install', 'install-1', INSTALL);
      touch('hold');
      const first = call('init', 'init-1', INIT);
      await until(() => made('kubeadm init') > 0);
      const second = call('init', 'init-2', INIT);
      await sleep(300);
      expect(made('kubeadm init')).toBe(1);
      rmSync(join(fake, 'hold'));
      expect((await first).answer.state).toBe('done');
      expect((await second).answer.state).toBe('done');
      expect(made('kubeadm init')).toBe(1); // the second found it done
    });

    test('a unit that vanished without a result is a failed run, and a machine that was switched off meanwhile starts it again', async () => {
      await call('install', 'install-1', INSTALL);
      touch('hold');
      const first = begin(['init', 'init-1'], lines(INIT));
      await until(() => made('kubeadm init') > 0);
      const unit = Number(readFileSync(join(fake, 'units', 'cks-init-1.service'), 'utf8'));
      process.kill(-unit, 'SIGKILL');
      const { status, answer } = await first.ended;
      expect(status).toBe(1);
      expect(answer).toMatchObject({ state: 'failed', error: expect.stringContaining('without a result') as string });
      rmSync(join(root, 'var/lib/cks/init-1.json')); // as when nobody was there to see it
      rmSync(join(fake, 'hold'));
      expect((await call('init', 'init-1', INIT)).answer.state).toBe('done');
    });

    test('a failed run keeps its result; a new key tries again', async () => {
      await call('install', 'install-1', INSTALL);
      touch('fail-init');
      const first = await call('init', 'init-1', INIT);
      expect(first.status).toBe(1);
      expect(first.answer.error).toBe('kubeadm init ended with 1: error execution phase wait-control-plane: timed out');
      rmSync(join(fake, 'fail-init'));
      expect((await call('init', 'init-1', INIT)).answer).toEqual(first.answer);
      expect((await call('init', 'init-2', INIT)).answer.state).toBe('done');
    });

    test('status looks and starts nothing', async () => {
      expect(await call('status', 'nothing')).toMatchObject({ status: 3, answer: { state: 'absent' } });
      await call('reset', 'reset-1');
      expect(await call('status', 'reset-1')).toMatchObject({ status: 0, answer: { state: 'done' } });
      expect(made('systemd-run')).toBe(1);
    });
  });

  describe('input', () => {
    test.each([
      ['no quotes', 'version=1.34.2\n', /version is not in single quotes/],
      ['a command in it', "version='1.34.2'$(touch owned)\n", /version is not in single quotes/],
      ['a substitution', "version='$(touch owned)'\n", /not of the form/],
      ['an unknown name', "shell='x'\n", /install takes no value named shell/],
      ['a name in capitals', "VERSION='1.34.2'\n", /line 1 of the input/],
      ['a name twice', "role='worker'\nrole='control'\n", /role is given twice/],
      ['something missing', "version='1.34.2'\n", /install needs a value for role/],
      ['another role', "version='1.34.2'\nrole='king'\n", /role is not of the form control\|worker\|etcd/],
    ])('with %s is refused', async (_name, input, message) => {
      const { status, stderr, answer } = await begin(['install', 'install-1'], input).ended;
      expect(status).toBe(2);
      expect(answer).toBeUndefined();
      expect(stderr).toMatch(message);
      expect(made('systemd-run')).toBe(0);
      expect(existsSync(join(root, 'owned'))).toBe(false);
    });

    test('a refusal never repeats a value, since it may be secret', async () => {
      const { stderr } = await call('join', 'join-1', { ...joinOf('worker'), token: 'not-a-token-but-secret' });
      expect(stderr).toMatch(/token is not of the form/);
      expect(stderr).not.toContain('secret');
    });

    test.each([
      [[]],
      [['install']],
      [['install', 'UPPER']],
      [['install', 'a/../b']],
      [['dance', 'a']],
      [['install', 'a', 'b']],
    ])('the call %j is refused', async (args) => {
      const { status, stderr } = await begin(args, '').ended;
      expect(status).toBe(2);
      expect(stderr).toMatch(/^cks-node: /);
    });

    test('a key of another subcommand is refused', async () => {
      await call('install', 'one', INSTALL);
      const { status, stderr } = await call('reset', 'one');
      expect(status).toBe(2);
      expect(stderr).toContain('key one belongs to install');
    });
  });

  describe('install', () => {
    test('puts the programs, units, images and the pause image of the medium in place, and unmounts it', async () => {
      const { answer } = await call('install', 'install-1', INSTALL);
      expect(answer).toMatchObject({ state: 'done', result: { version: '1.34.2' } });
      for (const path of [
        'opt/bin/kubeadm',
        'opt/bin/kubelet',
        'opt/bin/kubectl',
        'opt/bin/crictl',
        'opt/cni/bin/bridge',
      ])
        expect(existsSync(join(root, path))).toBe(true);
      expect(stored('etc/systemd/system/kubelet.service.d/10-kubeadm.conf')).toContain('10-kubeadm');
      expect(stored('etc/containerd/config.toml')).toMatch(
        /sandbox_image = "registry\.k8s\.io\/pause:3\.10"\n\s+SystemdCgroup = true/,
      );
      expect(made('ctr -n k8s.io images import')).toBe(3);
      expect(readdirSync(join(root, 'var/lib/cks/medium'))).toEqual([]);
      expect(calls()).toContain('systemctl enable --now kubelet');
    });

    test('on a node that has this version already changes nothing', async () => {
      await call('install', 'install-1', INSTALL);
      const before = made('ctr');
      expect((await call('install', 'install-2', INSTALL)).answer.state).toBe('done');
      expect(made('ctr')).toBe(before);
    });

    test('after a half-made attempt imports only what is not there', async () => {
      await call('install', 'install-1', INSTALL);
      rmSync(join(root, 'var/lib/cks/installed'));
      rmSync(join(root, 'var/lib/cks/images/pause:3.9.tar'));
      await call('install', 'install-2', INSTALL);
      expect(calls().filter((line) => line.includes('images import')).slice(3)).toEqual([expect.stringContaining('pause:3.9.tar')]); // prettier-ignore
    });

    test('without a medium, with one of another version, and with a broken image it says what is wrong', async () => {
      touch('no-medium');
      const absent = await call('install', 'install-1', INSTALL);
      expect(absent.answer.error).toBe('no medium labelled CDROM was found in 2 attempts');
      rmSync(join(fake, 'no-medium'));
      const other = await call('install', 'install-2', { ...INSTALL, version: '1.35.0' });
      expect(other.answer.error).toBe('the medium holds Kubernetes v1.34.2, not v1.35.0');
      touch('fail-import');
      const broken = await call('install', 'install-3', INSTALL);
      expect(broken.answer.error).toBe('import of kube-apiserver:v1.34.2.tar failed: ctr: unexpected EOF');
    });

    test('takes a folder where the machine cannot take a disc', async () => {
      touch('no-medium');
      cpSync(join(fake, 'medium'), join(root, 'mnt', 'k8sdisk'), { recursive: true });
      expect((await call('install', 'install-1', INSTALL)).answer.state).toBe('done');
      expect(existsSync(join(root, 'mnt', 'k8sdisk', 'k8s'))).toBe(true);
    });

    test('keeps the containerd configuration of a template that asks for it, but for the pause image', async () => {
      mkdirSync(join(root, 'etc/cks/kubeadm.d'), { recursive: true });
      mkdirSync(join(root, 'etc/containerd'), { recursive: true });
      writeFileSync(join(root, 'etc/cks/keep-containerd'), '');
      writeFileSync(join(root, 'etc/cks/kubeadm.d/kubelet.yaml'), 'kind: KubeletConfiguration\nfailSwapOn: false\n');
      writeFileSync(join(root, 'etc/containerd/config.toml'), 'mine = 1\n  sandbox_image = "x"\n');
      await call('install', 'install-1', INSTALL);
      expect(stored('etc/containerd/config.toml')).toBe('mine = 1\n  sandbox_image = "registry.k8s.io/pause:3.10"\n');
      await call('init', 'init-1', INIT);
      const config = readFileSync(join(fake, 'config-init'), 'utf8');
      expect(config).toContain('failSwapOn: false');
      expect(config.match(/kind: KubeletConfiguration/g)).toHaveLength(1);
    });
  });

  describe('init', () => {
    test('asks for a certificate of the public address, the node’s and its name (report 22)', async () => {
      await call('install', 'install-1', INSTALL);
      await call('init', 'init-1', { ...INIT, endpoint: '203.0.113.7:6443' });
      const config = readFileSync(join(fake, 'config-init'), 'utf8');
      expect(/certSANs:\n((?: {4}- .+\n)+)/.exec(config)?.[1]).toBe(
        `    - "203.0.113.7"\n    - "${INIT.address}"\n    - "${INIT.name}"\n`,
      );
    });

    test('writes a configuration that only root may read, and removes it', async () => {
      await call('install', 'install-1', INSTALL);
      await call('init', 'init-1', INIT);
      const config = readFileSync(join(fake, 'config-init'), 'utf8');
      expect(config).toMatch(/^mode 600\napiVersion: kubeadm\.k8s\.io\/v1beta4\n/);
      expect(config).toMatch(
        /controlPlaneEndpoint: "127\.9\.0\.4:6443"\napiServer:\n {2}certSANs:\n {4}- "127\.9\.0\.4"\n/,
      );
      expect(config).toContain('podSubnet: "10.244.0.0/16"');
      expect(config).toContain('kubeletExtraArgs:\n    - name: node-ip\n      value: "10.1.1.10"');
      expect(config).toContain('cgroupDriver: systemd');
      expect(
        readdirSync(join(root, 'var/lib/cks')).filter((name) => name.endsWith('.yaml') || name.endsWith('.input')),
      ).toEqual([]);
      expect(made('kubectl --kubeconfig')).toBeGreaterThan(0);
      expect(
        calls().some((line) => line.endsWith('apply -f ' + join(root, 'var/lib/cks/manifests/network.yaml'))),
      ).toBe(true);
    });

    test('speaks v1beta3 to a kubeadm before 1.31', async () => {
      const old = { FAKE_VERSION: 'v1.30.4' };
      await call('install', 'install-1', { ...INSTALL, version: '1.30.4' }, old);
      expect((await call('init', 'init-1', { ...INIT, version: '1.30.4' }, old)).answer.state).toBe('done');
      const config = readFileSync(join(fake, 'config-init'), 'utf8');
      expect(config).toContain('kubeadm.k8s.io/v1beta3');
      expect(config).toContain('kubeletExtraArgs:\n    node-ip: "10.1.1.10"');
    });

    test('resets a half-made attempt first', async () => {
      await call('install', 'install-1', INSTALL);
      touch('fail-init');
      await call('init', 'init-1', INIT);
      rmSync(join(fake, 'fail-init'));
      expect((await call('init', 'init-2', INIT)).answer.state).toBe('done');
      const kubeadm = calls().filter((line) => /^kubeadm (init|reset)/.test(line)).map((line) => line.split(' ')[1]); // prettier-ignore
      expect(kubeadm).toEqual(['init', 'reset', 'init']);
    });

    test('where admin.conf answers does nothing; a control plane that was made and is silent is never reset', async () => {
      await call('install', 'install-1', INSTALL);
      await call('init', 'init-1', INIT);
      expect((await call('init', 'init-2', INIT)).answer).toMatchObject({ state: 'done', result: { ca_hash: caHash } });
      rmSync(join(fake, 'api-up'));
      const silent = await call('init', 'init-3', INIT);
      expect(silent.answer.error).toContain('initialised here before, but does not answer');
      expect(made('kubeadm init')).toBe(1);
      expect(made('kubeadm reset')).toBe(0);
    });

    test('killed when the API server was up already, it finishes the late phases', async () => {
      await call('install', 'install-1', INSTALL);
      await call('init', 'init-1', INIT);
      rmSync(join(root, 'var/lib/cks/in-cluster'));
      expect((await call('init', 'init-2', INIT)).answer.state).toBe('done');
      expect(made('kubeadm reset')).toBe(0);
      expect(calls().filter((line) => line.startsWith('kubeadm init phase')).map((line) => line.split(' ')[3])).toEqual(['upload-config', 'mark-control-plane', 'bootstrap-token', 'addon', 'kubelet-finalize']); // prettier-ignore
    });

    test('another version than the installed one is refused', async () => {
      await call('install', 'install-1', INSTALL);
      const { answer } = await call('init', 'init-1', { ...INIT, version: '1.35.0' });
      expect(answer.error).toBe('kubeadm 1.35.0 is not installed (found 1.34.2)');
    });
  });

  describe('join', () => {
    beforeEach(async () => {
      await call('install', 'install-1', INSTALL);
    });

    test('pins the CA and takes token and certificate key from a file of mode 0600', async () => {
      expect((await call('join', 'join-1', joinOf('control'))).answer).toMatchObject({ state: 'done', result: {} });
      const config = readFileSync(join(fake, 'config-join'), 'utf8');
      expect(config).toMatch(/^mode 600\n/);
      expect(config).toContain(`token: "${TOKEN}"\n    caCertHashes:\n      - "${caHash}"`);
      expect(config).toContain(`certificateKey: "${CERTIFICATE_KEY}"`);
      expect(config).toContain('controlPlane:\n  localAPIEndpoint:\n    advertiseAddress: "10.1.1.11"');
    });

    test('a worker gets no control plane', async () => {
      await call('join', 'join-1', joinOf('worker'));
      expect(readFileSync(join(fake, 'config-join'), 'utf8')).not.toContain('controlPlane');
    });

    test('resets a half-made attempt first, and does nothing on a member', async () => {
      touch('fail-join');
      expect((await call('join', 'join-1', joinOf('worker'))).answer.error).toContain(
        'error execution phase kubelet-start',
      );
      rmSync(join(fake, 'fail-join'));
      expect((await call('join', 'join-2', joinOf('worker'))).answer.state).toBe('done');
      expect((await call('join', 'join-3', joinOf('worker'))).answer.state).toBe('done');
      const kubeadm = calls().filter((line) => /^kubeadm (join|reset)/.test(line)).map((line) => line.split(' ')[1]); // prettier-ignore
      expect(kubeadm).toEqual(['join', 'reset', 'join']);
    });

    test('a node whose Node was deleted joins anew', async () => {
      await call('join', 'join-1', joinOf('worker'));
      rmSync(join(fake, 'node-known'));
      expect((await call('join', 'join-2', joinOf('worker'))).answer.state).toBe('done');
      expect(made('kubeadm join')).toBe(2);
    });

    test('a clock that is more than 30 seconds off is a failure of that name', async () => {
      touch('skew', '-120');
      const { answer } = await call('join', 'join-1', joinOf('worker'));
      expect(answer.error).toMatch(/^ClockSkew: this node's clock is 1(19|20|21) s ahead of the API server's/);
      expect(made('kubeadm join')).toBe(0);
    });

    test('a control node without certificate key is refused', async () => {
      const { status, stderr } = await call('join', 'join-1', { ...joinOf('control'), certificate_key: '' });
      expect(status).toBe(2);
      expect(stderr).toContain('certificate_key');
    });
  });

  test('share uploads the certificates with the given key, from a file', async () => {
    await call('install', 'install-1', INSTALL);
    expect((await call('share', 'share-0', { certificate_key: CERTIFICATE_KEY })).answer.error).toBe(
      'this machine is not a control node',
    );
    await call('init', 'init-1', INIT);
    expect((await call('share', 'share-1', { certificate_key: CERTIFICATE_KEY })).answer).toMatchObject({
      state: 'done',
      result: {},
    });
    expect(readFileSync(join(fake, 'config-init'), 'utf8')).toMatch(
      new RegExp(`^mode 600\n[^]*certificateKey: "${CERTIFICATE_KEY}"`),
    );
  });

  test('kubeconfig prints admin.conf, the CA and its hash, and stores nothing', async () => {
    expect(await call('kubeconfig', 'k-0')).toMatchObject({ status: 1, answer: { state: 'failed' } });
    await call('install', 'install-1', INSTALL);
    await call('init', 'init-1', INIT);
    const { answer } = await call('kubeconfig', 'k-1');
    expect(Buffer.from(answer.result.kubeconfig ?? '', 'base64').toString()).toBe('admin "conf"\n');
    expect(Buffer.from(answer.result.ca ?? '', 'base64').toString()).toBe(readFileSync(join(fake, 'ca.crt'), 'utf8'));
    expect(answer.result.ca_hash).toBe(caHash);
    expect(existsSync(join(root, 'var/lib/cks/k-1.json'))).toBe(false);
  });

  test("reset removes what joining made, keeps the template's own network file, and the node may join again", async () => {
    mkdirSync(join(root, 'etc/cni/net.d'), { recursive: true });
    writeFileSync(join(root, 'etc/cni/net.d/10-own.conflist'), '{}');
    await call('install', 'install-1', INSTALL);
    await call('join', 'join-1', joinOf('worker'));
    writeFileSync(join(root, 'etc/cni/net.d/05-cilium.conflist'), '{}');
    expect((await call('reset', 'reset-1')).answer).toMatchObject({ state: 'done', result: {} });
    expect(readdirSync(join(root, 'etc/cni/net.d'))).toEqual(['10-own.conflist']);
    expect(existsSync(join(root, 'etc/kubernetes'))).toBe(false);
    expect((await call('join', 'join-2', joinOf('worker'))).answer.state).toBe('done');
  });

  test('no secret is an argument of anything, and none is left in a file', async () => {
    await call('install', 'install-1', INSTALL);
    await call('init', 'init-1', INIT);
    await call('share', 'share-1', { certificate_key: CERTIFICATE_KEY });
    touch('hold');
    rmSync(join(root, 'var/lib/cks/in-cluster'));
    rmSync(join(root, 'etc/kubernetes'), { recursive: true });
    const joining = call('join', 'join-1', joinOf('control'));
    await until(() => made('kubeadm join') > 0);
    const shown = spawnSync('ps', ['axww', '-o', 'args'], { encoding: 'utf8' }).stdout;
    for (const secret of [TOKEN, CERTIFICATE_KEY]) expect(shown).not.toContain(secret);
    rmSync(join(fake, 'hold'));
    expect((await joining).answer.state).toBe('done');
    const { answer } = await call('evidence', 'e-1');
    const left = spawnSync('grep', ['-rlE', `${TOKEN}|${CERTIFICATE_KEY}`, join(root, 'var'), join(root, 'etc')], {
      encoding: 'utf8',
    });
    expect(left.stdout).toBe('');
    for (const secret of [TOKEN, CERTIFICATE_KEY, 'abcdef.0123456789abcdef', 'a'.repeat(64)]) {
      expect(calls().join('\n')).not.toContain(secret);
      expect(JSON.stringify(answer)).not.toContain(secret);
    }
    expect(answer.result).toEqual(
      expect.objectContaining({
        units: expect.any(String) as string,
        clock: expect.stringMatching(/^\d{4}-/) as string,
      }),
    );
    expect(answer.result.runs).toContain('== join-1');
  });

  test('machine tells what the system sees of CPUs, memory and the file system of /', async () => {
    const program = (name: string, said: string) =>
      writeFileSync(join(fake, 'bin', name), `#!/bin/sh\nprintf '${said}'\n`, { mode: 0o755 });
    program('nproc', '2\\n');
    program('df', '1M-blocks\\n     7890\\n');
    node.put('proc/meminfo', 'MemTotal:        2010688 kB\nMemFree:          150000 kB\n');
    const { status, answer } = await call('machine', 'm-1');
    expect([status, answer.state, answer.result]).toEqual([0, 'done', { cpus: 2, ram_mb: 1963, root_mb: 7890 }]);
    expect(existsSync(join(root, 'var/lib/cks/m-1.json'))).toBe(false);
  });

  test('evidence shows the log of the kubelet, and any text of it becomes sound JSON (report 2)', async () => {
    chmodSync(FAKE_TOOL, 0o755);
    rmSync(join(fake, 'bin', 'journalctl'));
    writeFileSync(join(fake, 'bin', 'journalctl'), "#!/bin/sh\nprintf 'a\"b\\\\c\\td\\001\\377é\\n'\n", {
      mode: 0o755,
    });
    const { answer } = await call('evidence', 'e-1');
    expect(answer.result.kubelet).toBe('a"b\\c\tdé');
  });
});
