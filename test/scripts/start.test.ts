import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../db/project-root.js';
import { freePorts } from '../../lab/free-ports.js';

const PARTS = ['api', 'worker', 'simulator', 'temporal'];
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function until<T>(what: string, look: () => T | undefined | false, limitMs = 15_000): Promise<T> {
  for (let waited = 0; waited < limitMs; waited += 20) {
    const found = look();
    if (found) return found;
    await sleep(20);
  }
  throw new Error(`waited in vain: ${what}`);
}

interface Started {
  child: ChildProcess;
  text: () => string;
  ended: Promise<number | null>;
}

describe('npm start', () => {
  let home: string;
  let ports: Record<string, string>;
  const running: Started[] = [];

  beforeAll(() => {
    const built = spawnSync(process.execPath, [join(projectRoot(), 'scripts', 'build.mjs')], { encoding: 'utf8' });
    expect(built.stderr).not.toContain('ERROR');
  });

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'cks-start-'));
    const names = ['PORT', 'TEMPORAL_PORT', 'TEMPORAL_UI_PORT', 'SIMULATOR_PORT', 'METRICS_PORT'];
    const free = await freePorts(names.length);
    ports = Object.fromEntries(names.map((name, i) => [name, String(free[i])]));
  });

  afterEach(async () => {
    for (const { child, ended } of running.splice(0)) {
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(home, { recursive: true, force: true });
  });

  function start(env: Record<string, string> = {}): Started {
    const program = join(projectRoot(), 'dist', 'test', 'scripts', 'fake-start.js');
    const child = spawn(process.execPath, ['--enable-source-maps', program], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, CKS_HOME: home, CKS_DEMO: '0', ...ports, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    child.stdout.on('data', (chunk) => (text += String(chunk)));
    child.stderr.on('data', (chunk) => (text += String(chunk)));
    const ended = new Promise<number | null>((resolve) => child.on('close', (status) => resolve(status)));
    const started = { child, text: () => text, ended };
    running.push(started);
    return started;
  }

  const pidOf = (part: string) => Number(readFileSync(join(home, 'run', `${part}.pid`), 'utf8'));
  const calls = () => readFileSync(join(home, 'calls'), 'utf8');
  const alive = (pid: number) => {
    try {
      process.kill(pid, 0);
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  };

  test('all parts come up, and Ctrl-C ends them in order with status 0', async () => {
    const first = start();
    await until('ready', () => first.text().includes('ready after'));
    await until('the worker', () => calls().includes('worker begin'));
    const pids = PARTS.map(pidOf);
    expect(pids.every(alive)).toBe(true);
    expect(statSync(join(home, 'logs', 'api.log')).mode & 0o777).toBe(0o600);
    first.child.kill('SIGINT');
    first.child.kill('SIGINT'); // npm passes a terminal's Ctrl-C on a second time
    expect(await first.ended).toBe(0);
    expect(pids.some(alive)).toBe(false);
    const ends = calls().split('\n').filter((line) => line.endsWith(' end')); // prettier-ignore
    expect(ends).toEqual(PARTS.map((part) => `${part} end`));
    expect(PARTS.filter((part) => existsSync(join(home, 'run', `${part}.pid`)))).toEqual([]);
  });

  test('a part that dies is started again', async () => {
    const first = start();
    await until('ready', () => first.text().includes('ready after'));
    const before = pidOf('api');
    process.kill(before, 'SIGKILL');
    const after = await until(
      'a new api',
      () => existsSync(join(home, 'run', 'api.pid')) && pidOf('api') !== before && pidOf('api'),
    );
    expect(alive(after)).toBe(true);
    expect(first.text()).toMatch(/api ended \(signal SIGKILL\); starting it again in 0\.2 s/);
  });

  test('a start after SIGKILL comes up on the same data, and nothing of the first is left', async () => {
    const first = start();
    await until('ready', () => first.text().includes('ready after'));
    await until('the worker', () => calls().includes('worker begin'));
    const pids = PARTS.map(pidOf);
    first.child.kill('SIGKILL');
    await first.ended;
    const second = start();
    await until('ready again', () => second.text().includes('ready after'));
    expect(pids.some(alive)).toBe(false);
    expect(second.text()).not.toContain('port');
  });

  test('what a killed start left behind where parts cannot die with it is ended, other processes are not', async () => {
    const first = start({ PATH: '/nowhere' }); // no setpriv
    await until('ready', () => first.text().includes('ready after'));
    await until('the worker', () => calls().includes('worker begin'));
    const pids = PARTS.map(pidOf);
    first.child.kill('SIGKILL');
    await first.ended;
    expect(pids.every(alive)).toBe(true);
    const stranger = spawn('sleep', ['60']);
    writeFileSync(join(home, 'run', 'worker.pid'), `${stranger.pid}\n`);
    const second = start();
    await until('ready again', () => second.text().includes('ready after'));
    expect(second.text()).toContain('ended what a killed start had left');
    expect(alive(stranger.pid ?? 0)).toBe(true);
    stranger.kill();
    process.kill(pids[1] ?? 0, 'SIGKILL');
  });

  test('two starts on one folder: the second is refused by name', async () => {
    const first = start();
    await until('ready', () => first.text().includes('ready after'));
    const second = start();
    expect(await second.ended).toBe(1);
    expect(second.text()).toContain(`another npm start (pid ${first.child.pid}) uses CKS_HOME=${home}`);
  });

  test('a start right after Ctrl-C waits for the one that is ending', async () => {
    const first = start();
    await until('ready', () => first.text().includes('ready after'));
    first.child.kill('SIGTERM');
    await until('stopping', () => first.text().includes('stopping'));
    const second = start();
    await until('ready again', () => second.text().includes('ready after'));
    expect(await first.ended).toBe(0);
  });

  test('a busy port is one line that names its variable', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(Number(ports.SIMULATOR_PORT), '127.0.0.1', resolve));
    const first = start();
    expect(await first.ended).toBe(1);
    expect(first.text().trim()).toBe(
      `cks: port ${ports.SIMULATOR_PORT} is in use by another program: stop it, or set SIMULATOR_PORT to another port`,
    );
    await new Promise((resolve) => server.close(resolve));
  });

  test('one port for two variables, and a port that is none, are refused', async () => {
    const twice = start({ METRICS_PORT: ports.PORT ?? '' });
    expect(await twice.ended).toBe(1);
    expect(twice.text()).toContain(`METRICS_PORT and PORT are both ${ports.PORT}`);
    const none = start({ PORT: 'eighty' });
    expect(await none.ended).toBe(1);
    expect(none.text()).toContain('PORT must be a port from 1 to 65535, found "eighty"');
  });

  test('a folder that cannot be written is one line that names CKS_HOME', async () => {
    writeFileSync(join(home, 'file'), '');
    const first = start({ CKS_HOME: join(home, 'file', 'below') });
    expect(await first.ended).toBe(1);
    expect(first.text().trim()).toMatch(
      /^cks: CKS_HOME=.* cannot be written \(ENOTDIR\): set CKS_HOME to a folder of yours$/,
    );
    chmodSync(home, 0o700);
  });

  test('a migration that fails ends the start with its words, and leaves nothing running', async () => {
    writeFileSync(join(home, 'refuse'), '');
    const first = start();
    expect(await first.ended).toBe(1);
    expect(first.text()).toContain('the database could not be prepared (status 1): Error: the key does not fit');
    expect(PARTS.filter((part) => existsSync(join(home, 'run', `${part}.pid`)))).toEqual([]);
  });

  test('secrets reach only the parts that use them', async () => {
    const first = start({
      CKS_ENCRYPTION_KEY: 'k',
      DATABASE_URL: 'mysql://u:p@h/d',
      SOMETHING_ELSE: '1',
      AWS_SECRET_ACCESS_KEY: 'x',
    });
    await until('ready', () => first.text().includes('ready after'));
    await until('the worker', () => calls().includes('worker begin'));
    const names = (part: string) => new RegExp(`^${part} begin \\d+ (.*)$`, 'm').exec(calls())?.[1]?.split(',') ?? [];
    expect(names('api')).toEqual(expect.arrayContaining(['CKS_ENCRYPTION_KEY', 'DATABASE_URL']));
    for (const part of ['simulator', 'temporal'])
      expect(names(part)).not.toEqual(expect.arrayContaining(['CKS_ENCRYPTION_KEY']));
    for (const part of ['simulator', 'temporal'])
      expect(names(part)).not.toEqual(expect.arrayContaining(['DATABASE_URL']));
    for (const part of PARTS) expect(names(part)).not.toContain('SOMETHING_ELSE');
    for (const part of PARTS) expect(names(part)).not.toContain('AWS_SECRET_ACCESS_KEY');
  });

  test('the demonstration cluster comes up step by step, and a second start shows the same one', async () => {
    const first = start({ CKS_DEMO: '' });
    await until('next steps', () => first.text().includes('Ctrl-C stops'));
    expect(first.text()).toContain('Creating the simulated cluster "demo" in zone sim-1: Kubernetes 1.34.2');
    expect(first.text().match(/✓ (network|boot control-1|boot worker-1) {2}2\.0 s/g)).toHaveLength(3);
    expect(first.text()).toContain(`kubectl --kubeconfig ${join(home, 'demo.kubeconfig')} get nodes -o wide`);
    expect(statSync(join(home, 'demo.kubeconfig')).mode & 0o777).toBe(0o600);
    expect(calls()).toContain('call createKubernetesCluster v34');
    first.child.kill('SIGTERM');
    await first.ended;
    const second = start({ CKS_DEMO: '' });
    await until('next steps', () => second.text().includes('Ctrl-C stops'));
    expect(calls().match(/call createKubernetesCluster/g)).toHaveLength(1);
  });
});
