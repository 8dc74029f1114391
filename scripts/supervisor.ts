import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { logFile, shown } from './home.js';
import { lastWords, Part } from './part.js';
import { accepts } from './ports.js';
import { environmentFor, type Env, type StartSettings } from './start-settings.js';

export type PartName = 'api' | 'worker' | 'simulator' | 'temporal';

/** The programs to run, each with its arguments. */
export interface Programs {
  migrate: readonly string[];
  api: readonly string[];
  worker: readonly string[];
  simulator: readonly string[];
  /** Looked for (or fetched) while the others start. Absent: Temporal is somebody else's. */
  temporal?: () => Promise<readonly string[]>;
  /** Called once when Temporal accepts connections. */
  afterTemporal?: () => Promise<void>;
}

/** Order in which parts are ended, and the time each has for it. The worker finishes or hands back what it is doing. */
const STOP_ORDER: readonly [PartName, number][] = [
  ['api', 5_000],
  ['worker', 25_000],
  ['simulator', 5_000],
  ['temporal', 10_000],
];
/** After this long without `/readyz` the reason is said, and the wait goes on. */
const SLOW_START_MS = 30_000;
const POLL_MS = 50;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** The words that make a program die with its parent, however that ends. Empty where util-linux's setpriv is missing. */
function dieWithParent(): string[] {
  const words = ['setpriv', '--pdeathsig', 'KILL'];
  return spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0 ? words : [];
}

/** Runs all parts of the service on one machine and keeps them running. */
export class Supervisor {
  readonly #parts = new Map<PartName, Part>();
  readonly #prefix = dieWithParent();
  #migration: ChildProcess | undefined;
  #stopping = false;

  constructor(
    private readonly settings: StartSettings,
    private readonly programs: Programs,
    private readonly env: Env,
    private readonly say: (line: string) => void,
  ) {}

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Starts everything, as early as each part may start. True once the API says that it is ready, false when stopped before. */
  async up(): Promise<boolean> {
    if (this.settings.simulator) this.#start('simulator', this.programs.simulator);
    const temporal = this.#startTemporal();
    temporal.catch(() => {}); // awaited below; a migration that fails first must not leave it unhandled
    await this.#migrate();
    this.#start('api', this.programs.api);
    await temporal;
    this.#start('worker', this.programs.worker);
    return this.#ready();
  }

  #start(name: PartName, command: readonly string[]): void {
    if (this.#stopping) return;
    const { home } = this.settings;
    const kind = name === 'api' || name === 'worker' ? 'service' : name;
    const plan = {
      name,
      command,
      env: environmentFor(kind, this.settings, this.env),
      log: logFile(home, name),
      pidFile: join(home, 'run', `${name}.pid`),
      graceMs: STOP_ORDER.find(([part]) => part === name)?.[1] ?? 5_000,
    };
    const part = new Part(plan, this.#prefix, this.say);
    this.#parts.set(name, part);
    part.start();
  }

  async #startTemporal(): Promise<void> {
    if (!this.programs.temporal) return;
    this.#start('temporal', await this.programs.temporal());
    while (!this.#stopping && !(await accepts(this.settings.temporalPort))) await sleep(POLL_MS);
    if (this.#stopping) return;
    void this.programs.afterTemporal?.().catch((error: unknown) => this.say(`temporal: ${String(error)}`));
  }

  async #migrate(): Promise<void> {
    const [program = '', ...args] = [...this.#prefix, ...this.programs.migrate];
    const log = logFile(this.settings.home, 'migrate');
    const out = openSync(log, 'a', 0o600);
    const env = environmentFor('service', this.settings, this.env);
    const child = spawn(program, args, { env, stdio: ['ignore', out, out], detached: true });
    closeSync(out);
    this.#migration = child;
    const how = await new Promise<string | undefined>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (status, signal) => resolve(status === 0 ? undefined : (signal ?? `status ${status}`)));
    });
    this.#migration = undefined;
    if (how && !this.#stopping)
      throw new Error(`the database could not be prepared (${how}): ${lastWords(log)} [log: ${shown(log)}]`);
  }

  async #ready(): Promise<boolean> {
    const began = Date.now();
    let said = false;
    let reason = '';
    while (!this.#stopping) {
      try {
        const url = `http://127.0.0.1:${this.settings.port}/readyz`;
        const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
        const text = await answer.text();
        if (answer.ok) return true;
        reason = `${answer.status} ${text.slice(0, 200)}`;
      } catch (error) {
        reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      }
      if (!said && Date.now() - began > SLOW_START_MS) {
        said = true;
        this.say(
          `not ready after ${SLOW_START_MS / 1000} s, still waiting: /readyz: ${reason} [logs: ${shown(join(this.settings.home, 'logs'))}]`,
        );
      }
      await sleep(POLL_MS);
    }
    return false;
  }

  /** Ends all parts in order. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#migration?.kill('SIGTERM');
    for (const [name] of STOP_ORDER) await this.#parts.get(name)?.stop();
  }

  /** Ends all parts at once. */
  kill(): void {
    this.#stopping = true;
    this.#migration?.kill('SIGKILL');
    for (const part of this.#parts.values()) part.kill();
  }
}
