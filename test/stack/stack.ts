import { execFile, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Client } from '@temporalio/client';
import { ApiClient, type Answer } from '../../scripts/client.js';
import { prepareHome } from '../../scripts/home.js';
import { accepts } from '../../scripts/ports.js';
import { environmentFor, type StartSettings } from '../../scripts/start-settings.js';
import { devServerArguments, readTemporalSettings } from '../../scripts/temporal-settings.js';
import { findTemporal } from '../../scripts/temporal.js';
import type { ClusterRow, JobRow, OperationRow, StepRow } from '../../db/rows.js';
import { connectTemporal } from '../../workflows/client.js';
import { freePorts } from '../../lab/free-ports.js';
import { sleep, StackPart } from './parts.js';

const exec = promisify(execFile);
/** Also for the compiled form, in dist/. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\bdist\/$/, '');

interface Database {
  pragma(text: string): unknown;
  exec(sql: string): void;
  prepare(sql: string): { all(...values: unknown[]): unknown[] };
  close(): void;
}
const Sqlite = createRequire(import.meta.url)('better-sqlite3') as new (
  path: string,
  options?: { timeout?: number; readonly?: boolean },
) => Database;

export interface Effect {
  kind: string;
  key: string;
  node: string | null;
  /** Where the key is an address: the id of the network that has it. */
  network?: string;
  begin: string;
  end: string;
}
export interface World {
  domains: {
    host: string;
    name: string;
    hostName: string;
    state: string;
    clusterId: string;
    ipAddress: string;
    cpus: number;
    ramMb: number;
    media: string[];
  }[];
  volumes: { host: string; name: string }[];
  media: { name: string }[];
  networks: { networkId: string; publicAddress: string }[];
  rules: { networkId: string; kind: string; publicPort?: number; address?: string }[];
  members: { networkId: string; address: string }[];
  addresses: { publicAddress: string; networkId: string }[];
  cache: object;
}
export type Fault = {
  on: 'hypervisor' | 'gateway' | 'node' | 'kubernetes';
  match: string;
  /** Text that the key, the node, the host or the cluster must have too. */
  of?: string;
  kind: string;
  times: number;
};
/** What `queryAsyncJobResult` answers. */
export type Job = Answer & { jobstatus: 0 | 1 | 2; jobresultcode: number };

interface Admin {
  endpoint: string;
  apikey: string;
  secretkey: string;
  username: string;
  password: string;
}

export interface StackOptions {
  /** A named profile of the simulated zone, or seconds per action. */
  profile?: string | Record<string, number>;
  env?: Record<string, string>;
  /** Last words with which a part may die by itself: faults of libraries that we cannot mend and must survive. */
  tolerates?: RegExp;
}

/** Durations that leave every step on hosts and nodes time to be hit. */
export const HITTABLE = Object.fromEntries(
  [
    't_net',
    't_ip',
    't_new',
    't_iso',
    't_run',
    't_inst',
    't_init',
    't_cp',
    't_join',
    't_rdy',
    't_pf',
    't_fw',
    't_stop',
    't_destroy',
    't_netdel',
    't_reset',
  ].map((symbol) => [symbol, 0.4]),
);

/** The whole service on free ports with a state folder of its own, every part of it at hand. */
export class Stack {
  readonly temporal: StackPart;
  readonly simulator: StackPart;
  readonly worker: StackPart;
  readonly api: StackPart;
  readonly extra: StackPart[] = [];
  /** Set by a failed scenario: the state folder is then kept. */
  failed = false;
  #database: Database | undefined;
  #client: Client | undefined;
  #admin: Admin | undefined;
  #defaults: { zoneid: string; kubernetesversionid: string; serviceofferingid: string } | undefined;
  #named = 0;

  private constructor(
    readonly home: string,
    readonly settings: StartSettings,
    private readonly env: Record<string, string>,
    temporalCommand: readonly string[],
    private readonly tolerates: RegExp | undefined,
  ) {
    this.temporal = this.#plan('temporal', 'temporal', temporalCommand);
    this.simulator = this.#plan('simulator', 'simulator', this.#node('simulator/main.js'));
    this.worker = this.#plan('worker', 'service', this.#node('worker.js'));
    this.api = this.#plan('api', 'service', this.#node('api/server.js'));
  }

  static async prepare({ profile = HITTABLE, env = {}, tolerates }: StackOptions = {}): Promise<Stack> {
    const home = mkdtempSync(join(tmpdir(), 'cks-stack-'));
    prepareHome(home);
    const [port, temporalPort, temporalUiPort, simulatorPort, metricsPort] = (await freePorts(5)) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const settings: StartSettings = {
      home,
      port,
      temporalPort,
      temporalUiPort,
      simulatorPort,
      metricsPort,
      demo: false,
      simulator: true,
      temporalAddress: undefined,
    };
    const file = join(home, 'profile.json');
    if (typeof profile !== 'string') writeFileSync(file, JSON.stringify(profile));
    const { PATH = '', HOME = '' } = process.env;
    const all = {
      PATH,
      HOME,
      CKS_POLL_MS: '50',
      SIMULATOR_PROFILE: typeof profile === 'string' ? profile : file,
      ...env,
    };
    const temporal = readTemporalSettings();
    const place = { port: temporalPort, dbFilename: join(home, temporal.file) };
    return new Stack(home, settings, all, [await findTemporal(), ...devServerArguments(temporal, place)], tolerates);
  }

  static async start(options: StackOptions = {}): Promise<Stack> {
    const stack = await Stack.prepare(options);
    try {
      stack.temporal.start();
      stack.simulator.start();
      await stack.migrate();
      stack.api.start();
      await stack.temporalUp();
      stack.worker.start();
      await stack.ready();
    } catch (error) {
      stack.failed = true;
      await stack.stop();
      throw error;
    }
    return stack;
  }

  #node = (path: string) => [process.execPath, '--enable-source-maps', join(ROOT, 'dist', path)];

  #plan(
    name: string,
    kind: 'service' | 'simulator' | 'temporal',
    command: readonly string[],
    more: Record<string, string> = {},
  ): StackPart {
    return new StackPart({
      name,
      command,
      env: environmentFor(kind, this.settings, { ...this.env, ...more }),
      log: join(this.home, 'logs', `${name}.log`),
      pidFile: join(this.home, 'run', `${name}.pid`),
      graceMs: 30_000,
    });
  }

  /** One more worker beside the first, with variables of its own. */
  addWorker(env: Record<string, string> = {}): StackPart {
    const part = this.#plan(`worker-${this.extra.length + 2}`, 'service', this.#node('worker.js'), env);
    this.extra.push(part);
    part.start();
    return part;
  }

  get parts(): StackPart[] {
    return [this.api, this.worker, ...this.extra, this.simulator, this.temporal];
  }

  /** `npm run migrate`; `killAfterMs` ends it by SIGKILL. Answers its exit status, or the signal. */
  async migrate(killAfterMs?: number): Promise<number | string> {
    const [program = '', ...args] = this.#node('scripts/migrate.js');
    const log = openSync(join(this.home, 'logs', 'migrate.log'), 'a', 0o600);
    const child = spawn(program, args, {
      env: environmentFor('service', this.settings, this.env),
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    const how = await new Promise<number | string>((resolve) =>
      child.once('exit', (code, signal) => resolve(code ?? signal ?? '')),
    );
    clearTimeout(timer);
    if (killAfterMs === undefined && how !== 0)
      throw new Error(`migrate ended with ${how}: ${readFileSync(join(this.home, 'logs', 'migrate.log'), 'utf8')}`);
    return how;
  }

  /** Runs a program of the service to its end, with the environment of its parts and what is given beside. */
  async program(
    path: string,
    args: string[],
    env: Record<string, string> = {},
  ): Promise<{ status: number; out: string; err: string }> {
    const [program = '', ...words] = this.#node(path);
    const child = spawn(program, [...words, ...args], {
      env: { ...environmentFor('service', this.settings, this.env), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
    const status = await new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
    return { status, ...said };
  }

  temporalUp = () => this.until('Temporal accepts connections', () => accepts(this.settings.temporalPort), 30);

  ready = () =>
    this.until('/readyz is 200', async () => {
      try {
        return (await fetch(`http://127.0.0.1:${this.settings.port}/readyz`, { signal: AbortSignal.timeout(2000) })).ok;
      } catch {
        return false;
      }
    }, 30); // prettier-ignore

  simulatorUp = () => this.until('the simulator answers', () => this.world().then(() => true, () => false), 20); // prettier-ignore

  /** What parts that died by themselves said last. */
  crashes(): string[] {
    return this.parts.flatMap((part) => part.crashes).filter((words) => !this.tolerates?.test(words));
  }

  /** Ends everything; the state folder goes unless a scenario failed or CKS_STACK_KEEP is set. */
  async stop(): Promise<void> {
    this.#database?.close();
    this.#database = undefined;
    await this.#client?.connection.close().catch(() => undefined);
    await Promise.all(this.parts.map((part) => part.kill()));
    if (!this.failed && !process.env['CKS_STACK_KEEP']) rmSync(this.home, { recursive: true, force: true });
  }

  /** The state folder as it is before the first start. */
  reset(): void {
    this.#database?.close();
    this.#database = undefined;
    this.#admin = undefined;
    rmSync(this.home, { recursive: true, force: true });
    prepareHome(this.home);
  }

  file = (name: string) => readFileSync(join(this.home, name), 'utf8');

  // --- facts -------------------------------------------------------------------------------------------------------------

  get admin(): Admin {
    this.#admin ??= JSON.parse(this.file('admin.json')) as Admin;
    return this.#admin;
  }

  get #db(): Database {
    this.#database ??= new Sqlite(join(this.home, 'cks.db'), { timeout: 10_000 });
    return this.#database;
  }

  rows<T = Record<string, unknown>>(sql: string, ...values: unknown[]): T[] {
    return this.#db.prepare(sql).all(...values) as T[];
  }

  row<T = Record<string, unknown>>(sql: string, ...values: unknown[]): T {
    const [first] = this.rows<T>(sql, ...values);
    if (!first) throw new Error(`no row: ${sql} ${values.join()}`);
    return first;
  }

  write(sql: string): void {
    this.#db.exec(sql);
  }

  /** Runs `act` while nobody can write to the database. */
  async locked<T>(act: () => Promise<T>): Promise<T> {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      return await act();
    } finally {
      this.#db.exec('ROLLBACK');
    }
  }

  cluster = (id: string) => this.row<ClusterRow>('SELECT * FROM kubernetes_cluster WHERE uuid = ?', id);
  operations = (clusterId: string) =>
    this.rows<OperationRow>('SELECT * FROM operation WHERE cluster_id = ? ORDER BY id', clusterId);
  operation = (clusterId: string): OperationRow => {
    const last = this.operations(clusterId).at(-1);
    if (!last) throw new Error(`cluster ${clusterId} has no operation`);
    return last;
  };
  /** Steps without groups, in the order of the list. */
  steps = (operationId: string) =>
    this.rows<StepRow>(
      `SELECT * FROM operation_step WHERE operation_id = ? AND kind <> 'group' ORDER BY line`,
      operationId,
    );
  jobRow = (id: string) => this.row<JobRow>('SELECT * FROM async_job WHERE uuid = ?', id);

  async #control<T>(path: string, init?: RequestInit): Promise<T> {
    const answer = await fetch(`http://127.0.0.1:${this.settings.simulatorPort}/control/${path}`, {
      ...init,
      signal: AbortSignal.timeout(30_000),
    });
    if (!answer.ok) throw new Error(`/control/${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }
  world = () => this.#control<World>('world');
  /** What `cks-node` is at work on, or will be, on any node. */
  nodeRuns = () => this.#control<{ node: string; subcommand: string; key: string }[]>('runs');
  /** Everything that exists but cached copies. */
  worldWithoutCache = async () => ({ ...(await this.world()), cache: undefined });
  effects = () => this.#control<Effect[]>('effects');
  breaks = (fault: Fault) =>
    this.#control<Fault & { id: number }>('faults', { method: 'POST', body: JSON.stringify(fault) });
  /** No more faults, or no more of the one with the id. Answers how many there were. */
  heals = (id?: number) =>
    this.#control<{ removed: number }>(id === undefined ? 'faults' : `faults/${id}`, { method: 'DELETE' });
  faults = () => this.#control<(Fault & { id: number })[]>('faults');
  /** What happens to the data centre behind the service's back (`docs/simulator.md` "Play fate"), such as `hosts/host-2`. */
  fate = (path: string, body: object) => this.#control(path, { method: 'POST', body: JSON.stringify(body) });

  async client(): Promise<Client> {
    this.#client ??= await connectTemporal({ TEMPORAL_PORT: String(this.settings.temporalPort) });
    return this.#client;
  }

  async kubectl(clusterId: string, ...args: string[]): Promise<string> {
    const { clusterconfig } = await this.call('getKubernetesClusterConfig', { id: clusterId });
    const file = join(this.home, `kubeconfig-${clusterId}`);
    writeFileSync(file, String((clusterconfig as { configdata: string }).configdata), { mode: 0o600 });
    try {
      const { stdout } = await exec('kubectl', [`--kubeconfig=${file}`, '--request-timeout=10s', ...args], {
        env: { PATH: process.env['PATH'] ?? '', HOME: this.home },
      });
      return stdout;
    } finally {
      rmSync(file, { force: true });
    }
  }

  // --- acts --------------------------------------------------------------------------------------------------------------

  call = (command: string, parameters: Record<string, string> = {}): Promise<Answer> =>
    new ApiClient(this.admin).call(command, parameters);

  /** Parameters of a create with the zone's defaults. */
  async createParameters(
    controls: number,
    workers: number,
    name = `c${++this.#named}`,
  ): Promise<Record<string, string>> {
    if (!this.#defaults) {
      const [zones, versions, offerings] = await Promise.all([
        this.call('listZones'),
        this.call('listKubernetesSupportedVersions'),
        this.call('listServiceOfferings'),
      ]);
      const first = (list: unknown) => String((list as { id: string }[])[0]?.id);
      this.#defaults = {
        zoneid: first(zones['zone']),
        kubernetesversionid: first(versions['kubernetessupportedversion']),
        serviceofferingid: first(offerings['serviceoffering']),
      };
    }
    return { ...this.#defaults, name, controlnodes: String(controls), size: String(workers) };
  }

  async create(controls: number, workers: number): Promise<{ id: string; jobid: string }> {
    return (await this.call('createKubernetesCluster', await this.createParameters(controls, workers))) as {
      id: string;
      jobid: string;
    };
  }

  /** Calls an asynchronous command and waits for its job. */
  async run(command: string, parameters: Record<string, string>, seconds = 60): Promise<Job> {
    const { jobid } = await this.call(command, parameters);
    return this.jobEnd(String(jobid), seconds);
  }

  job = async (jobid: string) => (await this.call('queryAsyncJobResult', { jobid })) as Job;

  async jobEnd(jobid: string, seconds = 60): Promise<Job> {
    await this.until(`job ${jobid} ends`, () => this.jobRow(jobid).job_status !== 0 || this.progressOf(jobid), seconds);
    return this.job(jobid);
  }

  /** For the message of a wait that took too long: the steps that are neither done nor skipped. */
  private progressOf(jobid: string): string {
    const [operation] = this.rows<OperationRow>('SELECT * FROM operation WHERE job_id = ?', jobid);
    if (!operation) return 'no operation of its own';
    const open = this.steps(operation.uuid).filter(({ state }) => state !== 'done' && state !== 'skipped');
    return `operation ${operation.state}; ${open.map(({ title, state, attempts, note }) => `${title}: ${state} ${attempts} ${note ?? ''}`).join('; ')}`;
  }

  /** Waits until a step whose title fits is in the state. Throws when the operation ends before. */
  stepIs = (clusterId: string, title: RegExp, state: StepRow['state'], seconds = 30): Promise<StepRow> =>
    this.until(
      `step ${String(title)} is ${state}`,
      () => {
        const last = this.operations(clusterId).at(-1);
        const steps = (last ? this.steps(last.uuid) : []).filter((step) => title.test(step.title));
        const found = steps.find((step) => step.state === state);
        if (!found && last?.ended)
          throw new Error(`${String(title)} never was ${state}: the operation has ${last.state}: ${last.reason}`);
        return found ?? steps.map((step) => step.state).join();
      },
      seconds,
      2,
    );

  /**
   * Waits for a fact: `look` answers it (true or an object), or something else, which the error shows when the time is over.
   * What it throws ends the wait, and so does a part that dies by itself.
   */
  async until<T extends object | true>(
    what: string,
    look: () => Promise<T | string | false> | T | string | false,
    seconds: number,
    everyMs = 20,
  ): Promise<T> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const found = await look();
      if (found !== false && typeof found !== 'string') return found;
      const crashed = this.crashes();
      if (crashed.length > 0) throw new Error(`while waiting for: ${what}: ${crashed.join('; ')}`);
      if (Date.now() > end) throw new Error(`waited ${seconds} s in vain: ${what}; last seen: ${String(found)}`);
      await sleep(everyMs);
    }
  }
}

export type Scenario = (name: string, body: (stack: Stack) => Promise<void>, seconds: number) => void;

/** A suite with one stack for all its scenarios. The state folder of a failed one is kept, and its error says where. */
export function describeStack(name: string, options: StackOptions, define: (scenario: Scenario) => void): void {
  describe(name, () => {
    let stack: Stack | undefined;
    beforeAll(async () => {
      stack = await Stack.start(options);
    }, 90_000);
    afterAll(() => stack?.stop(), 60_000);
    define((what, body, seconds) =>
      it(
        what,
        async () => {
          if (!stack) throw new Error('the stack did not start');
          try {
            await body(stack);
            const crashes = stack.crashes();
            if (crashes.length > 0) throw new Error(`parts died by themselves: ${crashes.join('; ')}`);
          } catch (error) {
            stack.failed = true;
            if (error instanceof Error) error.message += `\n[state folder and logs: ${stack.home}]`;
            throw error;
          }
        },
        seconds * 1000,
      ));
  });
}
