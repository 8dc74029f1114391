import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../db/project-root.js';

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}
export interface Answering {
  name: string;
  ports?: number[];
  tls?: { port: number; key: string; cert: string }[];
  spread?: { port: number; to: string[] };
}

const NEEDED = { ip: 'iproute2', bridge: 'iproute2', nft: 'nftables', haproxy: 'haproxy', curl: 'curl', openssl: 'openssl', nsenter: 'util-linux', flock: 'util-linux' }; // prettier-ignore
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
export const guestProgram = (name: string): string => join(projectRoot(), 'guest', name);

/** Fails, and says what to do, where the machine cannot hold these tests. */
export function assertMachine(): void {
  if (process.getuid?.() !== 0) throw new Error('these tests make network namespaces: run them as root');
  const missing = Object.entries(NEEDED).filter(([program]) => !PATH.split(':').some((folder) => existsSync(join(folder, program)))); // prettier-ignore
  if (missing.length > 0)
    throw new Error(`missing: ${missing.map(([program, from]) => `${program} (apt-get install ${from})`).join(', ')}`);
}

/**
 * A small data centre of network namespaces: hosts `a` and `b` and the gateway host `gw`, joined by plain IP (192.0.2.0/24); `out`, which is the
 * outside world and the next hop of the public range 203.0.113.0/24; and machines on the hosts' bridges. State of the programs is in
 * a folder of its own for each host.
 */
export class Underlay {
  readonly mark = `t${process.pid}${Math.floor(Math.random() * 1000)}`;
  readonly folder = mkdtempSync(join(tmpdir(), 'cks-gateway-'));
  private readonly machines = new Map<string, ChildProcess>();
  private links = 0;

  static async start(): Promise<Underlay> {
    assertMachine();
    const underlay = new Underlay();
    try {
      await underlay.build();
    } catch (error) {
      underlay.stop();
      throw error;
    }
    return underlay;
  }

  ns(name: string): string {
    return `${this.mark}-${name}`;
  }

  /** Runs a command in a namespace, whatever its end. */
  tryIn(name: string, command: string[], input = '', more: Record<string, string> = {}): Promise<Ran> {
    const [program = '', ...words] = ['nsenter', `--net=/run/netns/${this.ns(name)}`, '--', ...command];
    return new Promise((resolve) => {
      const env = { PATH, HOME: '/root', CKS_ROOT: this.root(name), ...more };
      const child = execFile(program, words, { env, maxBuffer: 2 ** 24 }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
      );
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(input);
    });
  }

  async in(name: string, command: string[], input = ''): Promise<string> {
    const { code, stdout, stderr } = await this.tryIn(name, command, input);
    if (code !== 0) throw new Error(`${command.join(' ')} in ${name} ended with ${code}: ${stderr}`);
    return stdout;
  }

  /** Where the programs of a host keep what they know. */
  root(name: string): string {
    return join(this.folder, name);
  }

  gateway(words: string[], input = ''): Promise<Ran> {
    return this.tryIn('gw', [guestProgram('cks-gateway'), ...words], input);
  }

  fabric(host: string, ...words: string[]): Promise<string> {
    return this.in(host, [guestProgram('cks-fabric'), ...words]);
  }

  /** What an operator makes for a zone of mode `bridge`, or a shared network: a bridge of that name on each host, and a switch between them. */
  async addOperatorsBridge(bridge: string): Promise<void> {
    const at = this.links++;
    await this.in('wire', ['ip', 'link', 'add', `switch${at}`, 'type', 'bridge']);
    await this.in('wire', ['ip', 'link', 'set', `switch${at}`, 'up']);
    for (const host of ['gw', 'a', 'b']) {
      await this.in('wire', ['ip', 'link', 'add', `s${at}-${host}`, 'type', 'veth', 'peer', 'name', `port${at}`, 'netns', this.ns(host)]); // prettier-ignore
      await this.in('wire', ['ip', 'link', 'set', `s${at}-${host}`, 'master', `switch${at}`, 'up']);
      await this.in(host, ['ip', 'link', 'add', bridge, 'type', 'bridge']);
      await this.in(host, ['ip', 'link', 'set', bridge, 'up']);
      await this.in(host, ['ip', 'link', 'set', `port${at}`, 'master', bridge, 'up']);
    }
  }

  /** A machine on a bridge of a host; its gateway is the first address of its /24. */
  async addMachine(name: string, host: string, bridge: string, address: string, answering?: Answering): Promise<void> {
    await this.addNamespace(name);
    await this.attach(name, 'eth0', host, bridge, `${address}/24`);
    await this.in(name, ['ip', 'route', 'add', 'default', 'via', address.replace(/\d+$/, '1')]);
    if (answering) await this.answer(name, answering);
  }

  /** A link of a machine, or of `out`, to a bridge of a host. */
  async attach(name: string, link: string, host: string, bridge: string, address: string): Promise<void> {
    const port = `m${this.links++}`;
    await this.in(host, ['ip', 'link', 'add', port, 'type', 'veth', 'peer', 'name', link, 'netns', this.ns(name)]);
    await this.in(host, ['ip', 'link', 'set', port, 'master', bridge, 'up']);
    await this.in(name, ['ip', 'addr', 'add', address, 'dev', link]);
    await this.in(name, ['ip', 'link', 'set', link, 'up']);
  }

  removeMachine(name: string): void {
    this.silence(name);
    execFileSync('ip', ['netns', 'del', this.ns(name)], { env: { PATH } });
  }

  /** Starts what answers on a machine, in place of what did so before. */
  async answer(name: string, answering: Answering): Promise<void> {
    this.silence(name);
    const program = join(projectRoot(), 'lab/network/answering.cjs');
    const words = [`--net=/run/netns/${this.ns(name)}`, '--', process.execPath, program, JSON.stringify(answering)];
    const child = spawn('nsenter', words, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.machines.set(name, child);
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve());
      child.once('exit', (code) => reject(new Error(`${name} answers no more: ${code}`)));
    });
  }

  silence(name: string): void {
    this.machines.get(name)?.kill('SIGKILL');
    this.machines.delete(name);
  }

  /** What is answered to a request from a machine, or from `out`; undefined when nothing is. */
  async ask(from: string, url: string, ...words: string[]): Promise<string | undefined> {
    const { code, stdout } = await this.tryIn(from, ['curl', '-sk', '--connect-timeout', '3', '--max-time', '5', ...words, url]); // prettier-ignore
    return code === 0 ? stdout : undefined;
  }

  /** The URLs of these to which nothing is answered soon; links that were just made take up to a second to carry anything. */
  async silent(from: string, ...urls: string[]): Promise<string[]> {
    const answers = await Promise.all(urls.map((url) => this.ask(from, url, '--connect-timeout', '0.7')));
    return urls.filter((_, i) => answers[i] === undefined);
  }

  stop(): void {
    for (const name of this.machines.keys()) this.silence(name);
    const state = join(this.root('gw'), 'var/lib/cks-gateway');
    const made = existsSync(state) ? readdirSync(state).map((id) => `cks-${id}`) : [];
    const all = execFileSync('ip', ['netns', 'list'], { env: { PATH }, encoding: 'utf8' }).split('\n');
    const ours = all
      .map((line) => line.split(' ')[0] ?? '')
      .filter((name) => name.includes(this.mark) || made.includes(name));
    for (const name of ours) {
      for (const pid of execFileSync('ip', ['netns', 'pids', name], { env: { PATH }, encoding: 'utf8' }).split('\n'))
        if (pid !== '') process.kill(Number(pid), 'SIGKILL');
      execFileSync('ip', ['netns', 'del', name], { env: { PATH } });
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Everything that the programs left on the gateway host, as text: links, namespaces, processes, files. */
  async traces(): Promise<string[]> {
    const links = (await this.in('gw', ['ip', '-o', 'link'])).match(/\bcks\w+/g) ?? [];
    const spaces = readdirSync('/run/netns').filter((name) => name.startsWith(`cks-${this.mark}`));
    const files = readdirSync(this.root('gw'), { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name));
    const processes = readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid))
      .filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(this.folder);
        } catch {
          return false;
        }
      });
    return [...new Set(links), ...spaces, ...files, ...processes].sort();
  }

  private async addNamespace(name: string): Promise<void> {
    execFileSync('ip', ['netns', 'add', this.ns(name)], { env: { PATH } });
    await this.in(name, ['ip', 'link', 'set', 'lo', 'up']);
  }

  private async build(): Promise<void> {
    for (const name of ['wire', 'a', 'b', 'gw', 'out']) await this.addNamespace(name);
    await this.in('wire', ['ip', 'link', 'add', 'wire', 'type', 'bridge']);
    await this.in('wire', ['ip', 'link', 'set', 'wire', 'up']);
    for (const [i, host] of ['gw', 'a', 'b'].entries()) {
      await this.in('wire', ['ip', 'link', 'add', `to-${host}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.ns(host)]); // prettier-ignore
      await this.in('wire', ['ip', 'link', 'set', `to-${host}`, 'master', 'wire', 'up']);
      await this.in(host, ['ip', 'addr', 'add', `192.0.2.${i + 1}/24`, 'dev', 'eth0']);
      await this.in(host, ['ip', 'link', 'set', 'eth0', 'up']);
    }
    await this.in('gw', ['ip', 'link', 'add', 'public', 'type', 'bridge']);
    await this.in('gw', ['ip', 'link', 'set', 'public', 'up']);
    await this.in('gw', ['ip', 'link', 'add', 'to-out', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.ns('out')]); // prettier-ignore
    await this.in('gw', ['ip', 'link', 'set', 'to-out', 'master', 'public', 'up']);
    await this.in('out', ['ip', 'addr', 'add', '203.0.113.1/24', 'dev', 'eth0']);
    await this.in('out', ['ip', 'link', 'set', 'eth0', 'up']);
  }
}
