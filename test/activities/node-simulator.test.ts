import { setTimeout as sleep } from 'node:timers/promises';
import { newSshKeyPair } from '../../db/ssh-key-pair.js';
import { TOKEN, addToken, api, initInput, nodes, readiness, until } from '../simulator/cluster-fixture.js';
import {
  CERTIFICATE_KEY,
  HASH,
  type Machine,
  PROGRAM,
  Shell,
  type TestNetwork,
  ZoneFixture,
  installInput,
} from './zone-fixture.js';

describe('a simulated node', () => {
  let zone: ZoneFixture;
  let open: Shell[] = [];
  const shellTo = async ({ publicAddress }: TestNetwork, index = 0) => {
    const shell = await Shell.wait(publicAddress, 2222 + index);
    open.push(shell);
    return shell;
  };
  const start = async (profile = 'instant', scale = 1) => {
    zone = await ZoneFixture.start({ profile, scale });
  };
  afterEach(async () => {
    open.forEach((shell) => shell.close());
    open = [];
    await zone.stop();
  });

  it('takes the program and shows it', async () => {
    await start();
    const shell = await shellTo((await nodes(zone)).network);
    expect((await shell.exec(`test -x /opt/bin/cks-node-${HASH}`)).code).toBe(1);
    expect((await shell.run('status', 'x')).code).toBe(1);
    expect((await shell.exec(`sudo install -D -m 0755 /dev/stdin /opt/bin/cks-node-${HASH}`, PROGRAM)).code).toBe(0);
    expect((await shell.exec(`test -x /opt/bin/cks-node-${HASH}`)).code).toBe(0);
    expect((await shell.exec('uname -a')).code).toBe(127);
    expect((await shell.exec(`sudo /opt/bin/cks-node-${HASH} install Bad_Key`)).code).toBe(2);
    expect((await shell.run('status', 'x')).line).toMatchObject({ key: 'x', state: 'absent' });
    expect((await shell.run('evidence', 'x')).line.result['simulated']).toContain('simulated');
    expect((await shell.run('machine', 'x')).line.result).toEqual({ cpus: 2, ram_mb: 2048, root_mb: 8192 });
  });

  it('answers the right key only', async () => {
    await start();
    const { network } = await nodes(zone);
    await shellTo(network);
    const stranger = newSshKeyPair();
    await expect(Shell.open(network.publicAddress, 2222, stranger.private)).rejects.toThrow(/authentication/i);
    await expect(Shell.open(network.publicAddress, 2222, undefined, 'root')).rejects.toThrow(/authentication/i);
  });

  it('does the same key once, and keeps its result', async () => {
    await start();
    const shell = await shellTo((await nodes(zone)).network);
    await shell.upload();
    const [one, two] = await Promise.all([
      shell.run('install', 'op-1-install', installInput()),
      shell.run('install', 'op-1-install', installInput()),
    ]);
    expect(one).toMatchObject({
      code: 0,
      line: { key: 'op-1-install', state: 'done', exit: 0, result: { version: '1.34.2' } },
    });
    expect(two.line).toEqual(one.line);
    expect((await shell.run('install', 'op-1-install', installInput())).line).toEqual(one.line);
    expect(await zone.effects('node.install')).toMatchObject([{ key: 'op-1-install', node: 'demo-control-1' }]);
  });

  it('fails an installation without a medium, and says so', async () => {
    await start();
    const { network, machines } = await nodes(zone);
    await zone.host().ensureMediumDetached(machines[0]?.spec.name ?? '', 'iso-v1');
    const shell = await shellTo(network);
    await shell.upload();
    const told = await shell.run('install', 'op-1', installInput());
    expect(told).toMatchObject({
      code: 1,
      line: { state: 'failed', error: expect.stringContaining('CDROM') as string },
    });
    expect(await zone.effects('node.install')).toEqual([]);
  });

  it('goes on when the connection is cut, and lets the next one attach', async () => {
    await start('demo', 8);
    const { network } = await nodes(zone);
    const first = await shellTo(network);
    await first.upload();
    const begun = first.run('install', 'op-1', installInput());
    const lost = expect(begun).rejects.toThrow('cut');
    await new Promise((resolve) => setTimeout(resolve, 150));
    first.cut();
    await lost;
    const second = await shellTo(network);
    expect(await second.run('status', 'op-1')).toMatchObject({ code: 3, line: { state: 'running' } });
    expect((await second.run('install', 'op-1', installInput())).line.state).toBe('done');
    expect(await zone.effects('node.install')).toHaveLength(1);
  });

  it('ends its run when it would have ended, though the simulator was restarted', async () => {
    await start('demo', 5);
    const { network } = await nodes(zone);
    const first = await shellTo(network);
    await first.upload();
    const lost = expect(first.run('install', 'op-1', installInput())).rejects.toThrow('cut');
    await new Promise((resolve) => setTimeout(resolve, 150));
    await zone.restart();
    await lost;
    const second = await shellTo(network);
    expect((await second.run('install', 'op-1', installInput())).line.state).toBe('done');
    const effects = await zone.effects('node.install');
    expect(effects).toHaveLength(1);
    const took = Date.parse(effects[0]?.end ?? '') - Date.parse(effects[0]?.begin ?? '');
    expect(took).toBeGreaterThanOrEqual(795);
    expect(took).toBeLessThan(1500);
  });

  it('makes a cluster that its kubeconfig opens, and lets others join', async () => {
    await start();
    const { network, machines } = await nodes(zone, 3, 2);
    const [first, second, third] = await Promise.all([0, 1, 2].map((i) => shellTo(network, i)));
    if (!first || !second || !third) throw new Error('unreachable');
    for (const shell of [first, second, third]) {
      await shell.upload();
      await shell.run('install', 'install', installInput());
    }
    const init = await first.run('init', 'init', initInput(network));
    expect(init.line).toMatchObject({
      state: 'done',
      result: { ca_hash: expect.stringMatching(/^sha256:/) as string },
    });
    const core = await api(first);
    await until(() => readiness(core), { 'demo-control-1': 'True' });

    const join = {
      role: 'worker',
      name: 'demo-worker-2',
      address: '10.1.1.12',
      endpoint: `${network.publicAddress}:6443`,
      token: `${TOKEN.id}.${TOKEN.secret}`,
      ca_hash: init.line.result['ca_hash'] ?? '',
    };
    expect((await third.run('join', 'join-1', join)).line.error).toContain('token ID "abcdef"');
    await addToken(core);
    expect((await third.run('join', 'join-2', { ...join, ca_hash: 'sha256:00' })).line.error).toContain('pinned');
    expect((await third.run('join', 'join-3', join)).line).toMatchObject({ state: 'done' });

    const control = {
      ...join,
      role: 'control',
      name: 'demo-control-2',
      address: '10.1.1.11',
      certificate_key: CERTIFICATE_KEY,
    };
    expect((await second.run('join', 'join-1', control)).line.error).toContain('kubeadm-certs');
    expect((await first.run('share', 'share', { certificate_key: CERTIFICATE_KEY })).line.state).toBe('done');
    expect((await second.run('join', 'join-2', { ...control, certificate_key: 'b'.repeat(64) })).line.error).toContain(
      'cipher',
    );
    expect((await second.run('join', 'join-3', control)).line.state).toBe('done');
    await until(() => readiness(core), { 'demo-control-1': 'True', 'demo-control-2': 'True', 'demo-worker-2': 'True' });
    expect((await zone.effects('kubernetes.create.secrets')).map(({ key }) => key)).toEqual(['bootstrap-token-abcdef']);

    expect((await third.run('join', 'join-4', join)).line).toMatchObject({ state: 'done' });
    expect(await zone.effects('node.join')).toHaveLength(2);
    await core.deleteNode({ name: 'demo-worker-2' });
    expect((await third.run('join', 'join-5', join)).line).toMatchObject({ state: 'done' });
    await until(async () => (await readiness(core))['demo-worker-2'], 'True');

    const worker = machines[2]?.spec.name ?? '';
    await zone.host().ensureStopped(worker, 30);
    await until(async () => (await readiness(core))['demo-worker-2'], 'Unknown');
    await zone.host().ensureRunning(worker);
    await until(async () => (await readiness(core))['demo-worker-2'], 'True');

    await zone.restart();
    await until(() => readiness(core), { 'demo-control-1': 'True', 'demo-control-2': 'True', 'demo-worker-2': 'True' });
    const again = await shellTo(network, 2);
    expect((await again.run('reset', 'reset')).line.state).toBe('done');
    expect(await zone.effects('node.reset')).toHaveLength(1);
    expect((await again.run('reset', 'reset-2')).line.state).toBe('done');
    expect(await zone.effects('node.reset')).toHaveLength(1);
  });

  it('is not there when it is switched off, and remembers what it was', async () => {
    await start();
    const { network, machines } = await nodes(zone);
    const { spec, seed } = machines[0] as Machine;
    const shell = await shellTo(network);
    await shell.upload();
    await shell.run('install', 'op-1', installInput());
    await zone.host().ensureMediumDetached(spec.name, seed.name);
    await zone.host().ensureSeedAbsent(seed.name);
    await zone.host().ensureStopped(spec.name, 30);
    await expect(Shell.open(network.publicAddress, 2222)).rejects.toThrow();
    await zone.host().ensureRunning(spec.name);
    const after = await shellTo(network);
    expect((await after.run('status', 'op-1')).line.state).toBe('done');
  });

  describe('with faults', () => {
    it('fails a run, which stays failed under its key', async () => {
      await start();
      const shell = await shellTo((await nodes(zone)).network);
      await zone.fault({ on: 'node', match: 'install', kind: 'fail' });
      await shell.upload();
      expect(await shell.run('install', 'op-1', installInput())).toMatchObject({ code: 1, line: { state: 'failed' } });
      expect((await shell.run('install', 'op-1', installInput())).line.state).toBe('failed');
      expect((await shell.run('install', 'op-2', installInput())).line.state).toBe('done');
    });

    it('refuses for good with status 2', async () => {
      await start();
      const shell = await shellTo((await nodes(zone)).network);
      await shell.upload();
      await zone.fault({ on: 'node', match: 'demo-control-1', kind: 'failForGood' });
      expect(await shell.run('install', 'op-1', installInput())).toMatchObject({ code: 2, stdout: '' });
    });

    it.each([
      ['drop', 0],
      ['loseReply', 1],
    ])('%s cuts the connection', async (kind, effects) => {
      await start();
      const { network } = await nodes(zone);
      const shell = await shellTo(network);
      await shell.upload();
      await zone.fault({ on: 'node', match: 'op-1', kind });
      await expect(shell.run('install', 'op-1', installInput())).rejects.toThrow('cut');
      expect(await zone.effects('node.install')).toHaveLength(effects);
      const again = await shellTo(network);
      expect((await again.run('install', 'op-1', installInput())).line.state).toBe('done');
      expect(await zone.effects('node.install')).toHaveLength(1);
    });
  });

  it('has a Kubernetes API that fails when told', async () => {
    await start();
    const { network } = await nodes(zone);
    const shell = await shellTo(network);
    await shell.upload();
    await shell.run('install', 'install', installInput());
    await shell.run('init', 'init', initInput(network));
    const core = await api(shell);
    await zone.fault({ on: 'kubernetes', match: 'create.secrets', kind: 'fail' });
    await expect(addToken(core)).rejects.toMatchObject({ code: 503 });
    await zone.fault({ on: 'kubernetes', match: 'bootstrap-token', kind: 'loseReply' });
    await expect(addToken(core)).rejects.toThrow();
    expect(await zone.effects('kubernetes.create.secrets')).toHaveLength(1);
    await expect(addToken(core)).rejects.toMatchObject({ code: 409 });
    await zone.fault({ on: 'kubernetes', match: 'kubernetes.list.pods', kind: 'fail' });
    await expect(core.listPodForAllNamespaces()).rejects.toMatchObject({ code: 503 });
    await core.listPodForAllNamespaces();
    await zone.fault({ on: 'kubernetes', match: 'kubernetes.list.nodes', kind: 'failForGood' });
    await expect(core.listNode()).rejects.toMatchObject({ code: 403 });
    await core.listNode();
    await zone.fault({ on: 'kubernetes', match: 'kubernetes.get.namespaces', kind: 'loseReply' });
    await expect(core.readNamespace({ name: 'default' })).rejects.toThrow();
    await core.readNamespace({ name: 'default' });
  });

  it('has an SSH server that fails when told', async () => {
    await start();
    const { network } = await nodes(zone);
    await shellTo(network);
    const attempt = async (kind: string) => {
      await zone.fault({ on: 'node', match: 'node.connect', of: 'demo-control-1', kind });
      const shell = await Shell.open(network.publicAddress, 2222);
      open.push(shell);
      return shell.run('status', 'x');
    };
    await expect(attempt('fail')).rejects.toThrow();
    await expect(attempt('drop')).rejects.toThrow();
    await expect(attempt('loseReply')).rejects.toThrow();
    await expect(attempt('failForGood')).rejects.toThrow(/host/i);
    const hung = await Promise.race([attempt('hang').catch(() => 'ended'), sleep(500).then(() => 'nobody answers')]);
    expect(hung).toBe('nobody answers');
    await shellTo(network);
  });
});
