import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readSync, fstatSync, rmSync, writeFileSync } from 'node:fs';

export interface PartPlan {
  name: string;
  /** Program and its arguments. */
  command: readonly string[];
  env: Record<string, string>;
  log: string;
  pidFile: string;
  /** Time between SIGTERM and SIGKILL. */
  graceMs: number;
}

/** Pauses before a part that died is started again; a part that lived longer than `HEALTHY_MS` begins anew. */
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;
const HEALTHY_MS = 10_000;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** The last line of a log that says something; the message of it when the line is JSON. */
export function lastWords(log: string): string {
  let file: number;
  try {
    file = openSync(log, 'r');
  } catch {
    return '';
  }
  try {
    const size = fstatSync(file).size;
    const buffer = Buffer.alloc(Math.min(size, 8192));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    const lines = buffer.toString('utf8').split('\n').map((line) => line.trim()).filter(Boolean); // prettier-ignore
    // A thrown error ends with its stack, Node's version and braces; its first line is what a person wants.
    const thrown = lines.findLast((line) => /^(\w*Error|Uncaught|cks)\b.*: /.test(line));
    const last = thrown ?? lines.at(-1) ?? '';
    const message = last.startsWith('{') ? (JSON.parse(last) as { msg?: string }).msg : undefined;
    return (message ?? last).slice(0, 300);
  } catch {
    return '';
  } finally {
    closeSync(file);
  }
}

/**
 * A program that is kept running: its output goes to its log, its process number to its pid file, and when it ends without being
 * told to, it is started again. It has a process group of its own, so that Ctrl-C reaches this program only, which then ends the parts in order.
 */
export class Part {
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #stopping = false;
  #pauseMs = FIRST_PAUSE_MS;
  #again: NodeJS.Timeout | undefined;

  /** `prefix` runs before the command, in the same process, as `setpriv --pdeathsig KILL` does. */
  constructor(
    readonly plan: PartPlan,
    private readonly prefix: readonly string[],
    private readonly say: (line: string) => void,
  ) {}

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    if (this.#stopping) return;
    const { name, command, env, log, pidFile } = this.plan;
    const [program = '', ...args] = [...this.prefix, ...command];
    const began = Date.now();
    const out = openSync(log, 'a', 0o600);
    const child = spawn(program, args, { env, stdio: ['ignore', out, out], detached: true });
    closeSync(out);
    this.#child = child;
    if (child.pid !== undefined) writeFileSync(pidFile, `${child.pid}\n`, { mode: 0o600 });
    this.#ended = new Promise((resolve) => {
      const end = (how: string) => {
        resolve();
        this.#child = undefined;
        rmSync(pidFile, { force: true });
        if (this.#stopping) return;
        if (Date.now() - began > HEALTHY_MS) this.#pauseMs = FIRST_PAUSE_MS;
        const words = how === 'signal SIGKILL' ? '' : lastWords(log);
        this.say(`${name} ended (${how}${words && `: ${words}`}); starting it again in ${this.#pauseMs / 1000} s`);
        this.#again = setTimeout(() => this.start(), this.#pauseMs);
        this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (status, signal) => end(signal ? `signal ${signal}` : `status ${status}`));
    });
  }

  /** Ends the program: SIGTERM, and SIGKILL when it is still there after its grace time. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#again);
    const child = this.#child;
    if (!child) return;
    child.kill('SIGTERM');
    const late = Symbol();
    const first = await Promise.race([this.#ended, sleep(this.plan.graceMs).then(() => late)]);
    if (first !== late) return;
    this.say(`${this.plan.name} did not end within ${this.plan.graceMs / 1000} s and is killed`);
    this.kill();
    await this.#ended;
  }

  /** Ends the program and everything it started, at once. */
  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#again);
    if (this.#child?.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      this.#child.kill('SIGKILL');
    }
  }
}
