import { createHash, randomInt, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { newSshKeyPair } from '../../db/ssh-key-pair.js';
import { simulatorGateway } from '../../activities/gateway/simulator.js';
import type { GatewayNetwork } from '../../activities/gateway/driver.js';
import type { DomainSpec, ImageSpec, SeedMedium, VolumeSpec } from '../../activities/hypervisor/driver.js';
import { simulatorHypervisor } from '../../activities/hypervisor/simulator.js';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulator/simulator.js';

export interface Effect {
  kind: string;
  key: string;
  node: string | null;
  begin: string;
  end: string;
}
export interface Machine {
  spec: DomainSpec;
  seed: SeedMedium;
  volume: VolumeSpec;
}

export const keyPair = newSshKeyPair();
export const hostKey = newSshKeyPair();
export const PROGRAM = Buffer.from('#!/bin/bash\necho a stand-in for cks-node\n');
export const HASH = createHash('sha256').update(PROGRAM).digest('hex').slice(0, 16);
export const CERTIFICATE_KEY = 'a'.repeat(64);

export const IMAGES: ImageSpec[] = [
  { kind: 'TEMPLATE', id: 'template-1', url: 'http://127.0.0.1/template.qcow2', checksum: null, format: 'QCOW2' },
  { kind: 'ISO', id: 'v1', url: 'http://127.0.0.1/v1.iso', checksum: null, format: 'ISO' },
];
/** What was fetched, for tests in which it does not matter what. */
export const someFile = () => Promise.resolve({ path: '/nowhere', bytes: 7, sha256: 'ab'.repeat(32) });

/** A network whose public address no other test is likely to use. */
export type TestNetwork = GatewayNetwork & { publicAddress: string };
export function aNetwork(nodes: string[], controls = nodes.slice(0, 1)): TestNetwork {
  const publicAddress = `127.${randomInt(100, 250)}.${randomInt(1, 250)}.${randomInt(2, 250)}`;
  return { ...networkAt(publicAddress, nodes, controls), publicAddress };
}

/** An isolated network as the service renders it for nodes at these addresses. */
export function networkAt(publicAddress: string, nodes: string[], controls = nodes.slice(0, 1)): GatewayNetwork {
  const networkId = randomUUID();
  const open = (from: number, to: number) => ({ publicAddress, protocol: 'tcp' as const, from, to, cidr: '0.0.0.0/0' });
  return {
    networkId,
    outside: null,
    tiers: [
      { networkId, networkNumber: 7, cidr: '10.1.1.0/24', gateway: '10.1.1.1', bridge: null, peers: [], acl: null },
    ],
    publicAddresses: [publicAddress],
    openings: [open(2222, 2221 + Math.max(1, nodes.length)), open(6443, 6443)],
    egress: { policy: 'allow', except: [] },
    forwards: nodes.map((address, i) => ({
      publicAddress,
      protocol: 'tcp',
      publicPort: 2222 + i,
      publicEndPort: 2222 + i,
      address,
      port: 22,
    })),
    balancers: [
      {
        publicAddress,
        name: 'api-lb',
        publicPort: 6443,
        port: 6443,
        algorithm: 'roundrobin',
        networkNumber: 7,
        cidrs: [],
        members: controls.map((address) => ({ address, draining: false })),
        check: null,
      },
    ],
  };
}

export function aMachine(overrides: Partial<DomainSpec> = {}): Machine {
  const machineId = overrides.machineId ?? randomUUID();
  const name = `i-${machineId}`;
  const hostName = overrides.hostName ?? 'demo-control-1';
  const ipAddress = overrides.ipAddress ?? '10.1.1.10';
  const userData = {
    hostname: hostName,
    users: [{ name: 'cloud', ssh_authorized_keys: [keyPair.public] }],
    ssh_keys: { ed25519_private: hostKey.private, ed25519_public: hostKey.public },
  };
  return {
    volume: { name: `${name}-root`, sizeGb: 8, templateId: 'template-1' },
    seed: {
      name: `${name}-seed`,
      files: {
        'meta-data': JSON.stringify({ 'instance-id': machineId, 'local-hostname': hostName }),
        'user-data': `#cloud-config\n${JSON.stringify(userData)}\n`,
        'network-config': JSON.stringify({ version: 2, ethernets: { node: { addresses: [`${ipAddress}/24`] } } }),
      },
    },
    spec: {
      name,
      clusterId: 'cluster-1',
      machineId,
      hostName,
      cpus: 2,
      ramMb: 2048,
      maxCpus: 8,
      maxRamMb: 8192,
      macAddress: '02:00:00:00:00:01',
      networkId: 'network-1',
      networkNumber: 7,
      ipAddress,
      volume: `${name}-root`,
      media: [`${name}-seed`, 'iso-v1'],
      ...overrides,
    },
  };
}

/** A simulator on a home folder of its own, which `restart` closes and opens again. */
export class ZoneFixture {
  readonly home = mkdtempSync(join(tmpdir(), 'cks-simulator-'));
  private simulator!: Simulator;

  private constructor(private options: SimulatorOptions) {}

  static async start(options: SimulatorOptions = {}): Promise<ZoneFixture> {
    const fixture = new ZoneFixture(options);
    fixture.simulator = await startSimulator({ ...options, home: fixture.home });
    return fixture;
  }

  get url(): string {
    return this.simulator.url;
  }

  at(name: string): string {
    return `simulator://127.0.0.1:${this.simulator.port}/${name}`;
  }

  host(name = 'host-1', signal?: () => AbortSignal) {
    return simulatorHypervisor(this.at(name), signal);
  }

  gateway() {
    return simulatorGateway(this.at('gateway'));
  }

  async restart(): Promise<void> {
    await this.simulator.close();
    this.simulator = await startSimulator({ ...this.options, home: this.home });
  }

  async stop(): Promise<void> {
    await this.simulator.close();
    rmSync(this.home, { recursive: true, force: true });
  }

  async get<T>(path: string): Promise<T> {
    return (await (await fetch(`${this.url}${path}`)).json()) as T;
  }

  async effects(kind = ''): Promise<Effect[]> {
    return (await this.get<Effect[]>('/control/effects')).filter((one) => one.kind.startsWith(kind));
  }

  async fault(body: object): Promise<Response> {
    return fetch(`${this.url}/control/faults`, { method: 'POST', body: JSON.stringify(body) });
  }

  /** Something done to the zone behind the service's back. */
  async control(path: string, body: object): Promise<Response> {
    return fetch(`${this.url}/control/${path}`, { method: 'POST', body: JSON.stringify(body) });
  }

  /** Everything up to a machine that runs; its network has to be applied apart. */
  async boot({ spec, seed, volume }: Machine, host = 'host-1'): Promise<void> {
    const driver = this.host(host);
    for (const image of IMAGES) await driver.ensureImage(image, someFile);
    await driver.ensureNetwork(spec);
    await driver.ensureVolume(volume);
    await driver.ensureSeed(seed);
    await driver.ensureDefined(spec);
    await driver.ensureRunning(spec.name);
  }
}

export interface Told {
  code: number | undefined;
  stdout: string;
  stderr: string;
}

/** A verified SSH connection to the port of a network's public address. */
export class Shell {
  readonly closed: Promise<void>;

  private constructor(private readonly client: ssh2.Client) {
    this.closed = new Promise((resolve) => client.once('close', () => resolve()));
  }

  static async open(host: string, port: number, privateKey = keyPair.private, username = 'cloud'): Promise<Shell> {
    const client = new ssh2.Client();
    const shell = new Shell(client);
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve).on('error', reject);
      client.once('close', () => reject(new Error('closed')));
      client.connect({
        host,
        port,
        username,
        privateKey,
        readyTimeout: 5000,
        hostVerifier: (key: Buffer) => key.toString('base64') === hostKey.public.split(' ')[1],
      });
    });
    return shell;
  }

  /** Tries until the node has booted. */
  static async wait(host: string, port: number): Promise<Shell> {
    for (let left = 200; ; left--) {
      try {
        return await Shell.open(host, port);
      } catch (error) {
        if (left === 0) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  exec(command: string, input: Buffer | string = ''): Promise<Told> {
    return new Promise((resolve, reject) => {
      this.client.once('close', () => reject(new Error('the connection was cut')));
      this.client.exec(command, (error, channel) => {
        if (error) return reject(error);
        const told: Told = { code: undefined, stdout: '', stderr: '' };
        channel.on('data', (part: Buffer) => (told.stdout += part.toString()));
        channel.stderr.on('data', (part: Buffer) => (told.stderr += part.toString()));
        channel.on('exit', (code: number | null) => (told.code = code ?? undefined));
        channel.on('close', () => (told.code === undefined ? reject(new Error('no exit status')) : resolve(told)));
        channel.end(input);
      });
    });
  }

  async upload(): Promise<void> {
    await this.exec(`sudo install -D -m 0755 /dev/stdin /opt/bin/cks-node-${HASH}`, PROGRAM);
  }

  async run(subcommand: string, key: string, values: Record<string, string> = {}): Promise<Told & { line: Line }> {
    const input = Object.entries(values).map(([name, value]) => `${name}='${value}'\n`);
    const told = await this.exec(`sudo /opt/bin/cks-node-${HASH} ${subcommand} ${key}`, input.join(''));
    return { ...told, line: (told.stdout === '' ? {} : JSON.parse(told.stdout)) as Line };
  }

  cut(): void {
    this.client.destroy();
  }

  close(): void {
    this.client.end();
  }
}
export interface Line {
  key: string;
  state: string;
  exit: number;
  result: Record<string, string>;
  error: string;
}

export const installInput = (version = '1.34.2') => ({ version, role: 'control', attempts: '3', wait_seconds: '1' });
