import { type ChildProcess, execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { projectRoot } from '../db/project-root.js';
import { PrivateLibvirt } from './libvirt/private-libvirt.js';

const ROOT = projectRoot();
/** The lab's own machine as hosts and nodes know it, and the range of public addresses (both are for documentation). */
export const HERE = '192.0.2.1';
const PUBLIC = { gateway: '203.0.113.1', from: '203.0.113.10', to: '203.0.113.99', netmask: '255.255.255.0' };
const FILES_PORT = 8088;

interface Database {
  prepare(sql: string): { all(...values: unknown[]): unknown[] };
  close(): void;
}
const Sqlite = createRequire(import.meta.url)('better-sqlite3') as new (
  path: string,
  options?: { timeout?: number; readonly?: boolean },
) => Database;

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers differ per command and are read field by field
export type Answer = Record<string, any>;

/** What the lab sets in the service: no step waits long for what is here at once. */
const SETTINGS: Record<string, string> = {
  'cks.download.cidrs': `${HERE}/32`,
  'endpoint.url': `http://${HERE}:8080/client/api`,
  'cpu.overprovisioning.factor': '8',
};

/**
 * A data centre in one network, mount and process namespace of this machine: a libvirtd, a gateway host's SSH server, a file
 * server, and the service with all its parts. Nothing of it touches the machine, and all of it ends with this process.
 */
export class LabWorld {
  readonly home: string;
  zone = '';
  template = '';
  readonly versions = new Map<string, string>();
  private readonly running: ChildProcess[] = [];
  private database: Database | undefined;

  private constructor(
    readonly libvirt: PrivateLibvirt,
    private readonly say: (line: string) => void,
  ) {
    this.home = join(libvirt.dir, 'home');
  }

  static async start(say: (line: string) => void, files: readonly string[]): Promise<LabWorld> {
    const world = new LabWorld(await PrivateLibvirt.start(), say);
    try {
      world.network();
      await world.gatewayHost();
      world.fileServer(files);
      await world.service();
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  get folder(): string {
    return this.libvirt.dir;
  }

  // --- the machine -------------------------------------------------------------------------------------------------------

  /** Runs a program in the namespaces; what it prints on both outputs is in the error when it fails. */
  run(program: string, ...words: string[]): Promise<string> {
    const [entry, ...rest] = [...this.libvirt.entry(), program, ...words];
    return new Promise((resolve, reject) => {
      execFile('nsenter', [entry!, ...rest], { encoding: 'utf8', maxBuffer: 2 ** 26, cwd: ROOT }, (error, stdout, stderr) =>
        error
          ? reject(new Error(`${program} ${words.slice(0, 6).join(' ')} ended with ${String(error.code ?? error.signal)}: ${`${stderr} ${stdout}`.trim().slice(-1500)}`))
          : resolve(stdout),
      ); // prettier-ignore
    });
  }

  /** Starts a program in the namespaces that runs until the end. */
  begin(log: string, program: string, words: string[]): void {
    const child = this.libvirt.spawnInside('setsid', ['bash', '-c', 'exec "$@" >>"$0" 2>&1', log, program, ...words]);
    this.running.push(child);
  }

  private network(): void {
    // Namespaces of gateways are files: they belong to this mount namespace only.
    mkdirSync('/run/netns', { recursive: true });
    const lines = [
      'mount -t tmpfs tmpfs /run/netns',
      `ip addr add ${HERE}/32 dev lo`,
      'ip link add public type bridge',
      `ip addr add ${PUBLIC.gateway}/24 dev public`,
      'ip link set public up',
    ];
    for (const line of lines) this.libvirt.inside('bash', '-euc', line);
  }

  private async gatewayHost(): Promise<void> {
    const folder = join(this.folder, 'gateway');
    mkdirSync(join(folder, 'root'), { recursive: true });
    for (const name of ['login', 'host']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'cks', '-f', join(folder, name)]); // prettier-ignore
    const command = `env CKS_ROOT=${join(folder, 'root')} ${join(ROOT, 'guest/cks-gateway')}`;
    const login = readFileSync(join(folder, 'login.pub'), 'utf8');
    writeFileSync(join(folder, 'keys'), `restrict,command="${command}" ${login}`, { mode: 0o600 });
    const settings = [
      `HostKey ${join(folder, 'host')}`, `AuthorizedKeysFile ${join(folder, 'keys')}`, 'Port 22', `ListenAddress ${HERE}`, 'StrictModes no', 'UsePAM no',
      'PasswordAuthentication no', 'PermitRootLogin forced-commands-only', 'PidFile none', 'SetEnv PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    ]; // prettier-ignore
    writeFileSync(join(folder, 'sshd_config'), `${settings.join('\n')}\n`);
    mkdirSync('/run/sshd', { recursive: true });
    this.begin(join(folder, 'sshd.log'), '/usr/sbin/sshd', ['-D', '-e', '-f', join(folder, 'sshd_config')]);
    await this.until('the gateway host answers', () => this.accepts(HERE, 22), 20);
  }

  private fileServer(files: readonly string[]): void {
    const folder = join(this.folder, 'files');
    mkdirSync(folder);
    for (const file of files) {
      try {
        linkSync(file, join(folder, basename(file)));
      } catch {
        execFileSync('cp', [file, folder]); // on another file system
      }
    }
    this.begin(join(this.folder, 'files.log'), 'busybox', ['httpd', '-f', '-p', `${HERE}:${FILES_PORT}`, '-h', folder]);
  }

  private accepts = (host: string, port: number): Promise<boolean> =>
    this.run('timeout', '2', 'bash', '-c', `exec 3<>/dev/tcp/${host}/${port}`).then(() => true, () => false); // prettier-ignore

  // --- the service -------------------------------------------------------------------------------------------------------

  private async service(): Promise<void> {
    mkdirSync(this.home, { mode: 0o700 });
    const env = [
      '-u',
      'npm_lifecycle_event',
      `CKS_HOME=${this.home}`,
      'CKS_DEMO=0',
      'CKS_POLL_MS=250',
      `HOME=${process.env['HOME'] ?? '/root'}`,
    ];
    this.begin(join(this.folder, 'service.log'), 'env', [
      ...env,
      process.execPath,
      join(ROOT, 'dist/scripts/start.js'),
    ]);
    await this.until(
      'the service is ready',
      () => existsSync(join(this.home, 'cloudstack.ini')) && this.run('curl', '-sf', 'http://127.0.0.1:8080/readyz').then(() => true, () => readFileSync(join(this.folder, 'service.log'), 'utf8').slice(-400)),
      180,
    ); // prettier-ignore
  }

  /** One command of the API by the client `cs`, which waits for jobs. */
  async cs(command: string, parameters: Record<string, string> = {}, ...flags: string[]): Promise<Answer> {
    const words = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
    const out = await this.run('env', `CLOUDSTACK_CONFIG=${join(this.home, 'cloudstack.ini')}`, 'cs', '--post', '--quiet', ...flags, command, ...words); // prettier-ignore
    return JSON.parse(out || '{}') as Answer;
  }

  /** Starts a command's job and does not wait for it. Answers the job's id. */
  async begun(command: string, parameters: Record<string, string>): Promise<string> {
    return String((await this.cs(command, parameters, '--async'))['jobid']);
  }

  /** The first object of a list command's answer. */
  async first(command: string, parameters: Record<string, string> = {}): Promise<Answer> {
    const found = Object.values(await this.cs(command, parameters)).find(Array.isArray)?.[0] as Answer | undefined;
    if (!found) throw new Error(`${command} ${JSON.stringify(parameters)} found nothing`);
    return found;
  }

  rows<T = Answer>(sql: string, ...values: unknown[]): T[] {
    this.database ??= new Sqlite(join(this.home, 'cks.db'), { timeout: 10_000, readonly: true });
    return this.database.prepare(sql).all(...values) as T[];
  }

  async jobEnds(job: string, seconds: number): Promise<Answer> {
    let row: Answer | undefined;
    await this.until(
      `job ${job} ends`,
      () => {
        row = this.rows('SELECT * FROM async_job WHERE uuid = ?', job)[0];
        return row?.['job_status'] !== 0 || this.progress(job);
      },
      seconds,
      500,
    );
    return row!;
  }

  /** Steps that run now, in words. */
  progress(job: string): string {
    const steps = this.rows<{ title: string; state: string; note: string | null }>(
      `SELECT s.title, s.state, s.note FROM operation_step s JOIN operation o ON o.uuid = s.operation_id WHERE o.job_id = ? AND s.kind <> 'group' AND s.state IN ('running', 'undoing')`,
      job,
    );
    return steps.map(({ title, note }) => (note ? `${title} (${note})` : title)).join('; ') || 'no step is running';
  }

  /** Makes the zone, its host, template and versions known, by the API alone. */
  async register(template: string, media: readonly { version: string; file: string }[]): Promise<void> {
    for (const [name, value] of Object.entries(SETTINGS)) await this.cs('updateConfiguration', { name, value });
    const read = (name: string) => readFileSync(join(this.folder, 'gateway', name), 'utf8').trim();
    const zone = {
      name: 'lab', networktype: 'Advanced', hypervisor: 'LXC', dns1: HERE, networkmode: 'bridge', bridge: 'cksbr0', publicbridge: 'public',
      gatewayurl: `ssh://root@${HERE}`, sshprivatekey: `${read('login')}\n`, sshhostkey: read('host.pub').split(' ').slice(0, 2).join(' '),
    }; // prettier-ignore
    await this.cs('createZone', zone);
    this.zone = String((await this.first('listZones', { name: 'lab' }))['id']);
    await this.cs('addHost', { zoneid: this.zone, name: 'lxc-1', url: 'lxc:///system' });
    await this.cs('createStoragePool', { zoneid: this.zone, name: 'default', url: `dir://${this.libvirt.pool}` });
    const { gateway, from, to, netmask } = PUBLIC;
    await this.cs('createVlanIpRange', { zoneid: this.zone, startip: from, endip: to, gateway, netmask });
    const url = (file: string) => `http://${HERE}:${FILES_PORT}/${basename(file)}`;
    const registered = await this.cs('registerTemplate', {
      name: 'debian-12-lab', url: url(template), zoneid: this.zone, hypervisor: 'LXC', format: 'TAR', forcks: 'true', ispublic: 'true', checksum: `{SHA-256}${await sha256(template)}`,
    }); // prettier-ignore
    this.template = String((Object.values(registered).find(Array.isArray) as Answer[])[0]!['id']);
    for (const { version, file } of media) {
      const added = await this.cs('addKubernetesSupportedVersion', {
        semanticversion: version, zoneid: this.zone, url: url(file), mincpunumber: '2', minmemory: '2048', checksum: `{SHA-256}${await sha256(file)}`,
      }); // prettier-ignore
      this.versions.set(version, String((Object.values(added)[0] as Answer)['id']));
    }
    await this.until(
      'template and media are ready',
      async () => {
        const { isready, status } = await this.first('listTemplates', { templatefilter: 'all', id: this.template });
        const versions = await Promise.all([...this.versions.values()].map((id) => this.first('listKubernetesSupportedVersions', { id, zoneid: this.zone }))); // prettier-ignore
        const waiting = versions.filter(({ isostate }) => isostate !== 'Ready').map(({ name, isostate, isostatus }) => `${name} ${isostate} ${isostatus ?? ''}`); // prettier-ignore
        return (isready === true && waiting.length === 0) || `template: ${status}; ${waiting.join('; ')}`;
      },
      600,
      1000,
    );
    this.say('zone, host, template and versions are known');
  }

  /** Domains that this service made, by name. */
  domains(): { all: string[]; running: string[] } {
    const list = (...flags: string[]) => this.libvirt.virsh('lxc', 'list', '--name', ...flags).split('\n').filter(Boolean).sort();
    return { all: list('--all'), running: list() };
  } // prettier-ignore

  // --- faults ------------------------------------------------------------------------------------------------------------

  /** SIGKILL; the supervisor starts the part again. */
  async kill(part: 'worker' | 'api'): Promise<void> {
    await this.run('kill', '-9', readFileSync(join(this.home, 'run', `${part}.pid`), 'utf8').trim());
  }

  /** Waits until `look` is true; what it says otherwise is in the error. */
  async until(what: string, look: () => Promise<boolean | string> | boolean | string, seconds: number, pauseMs = 200): Promise<void> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const seen = await look();
      if (seen === true) return;
      if (Date.now() > end) throw new Error(`after ${seconds} s still not so: ${what}${seen === false ? '' : `: ${seen}`}`);
      await sleep(pauseMs);
    }
  } // prettier-ignore

  async stop(): Promise<void> {
    this.database?.close();
    this.database = undefined;
    await this.libvirt.stop();
    dropNodeGroups();
  }
}

/** Control groups that nodes made for themselves outside of libvirt's own; those of nodes that live are in use and stay. */
function dropNodeGroups(): void {
  const root = '/sys/fs/cgroup';
  const drop = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) drop(join(folder, entry.name));
    rmdirSync(folder);
  };
  for (const controller of existsSync(root) ? readdirSync(root) : [])
    for (const group of safely(() => readdirSync(join(root, controller))) ?? [])
      if (/^cks-[0-9a-f]{8}-/.test(group)) safely(() => drop(join(root, controller, group)));
}

const safely = <T>(run: () => T): T | undefined => {
  try {
    return run();
  } catch {
    return undefined;
  }
};

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(file)) hash.update(part as Buffer);
  return hash.digest('hex');
}
