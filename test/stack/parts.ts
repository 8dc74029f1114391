import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Part, type PartPlan } from '../../scripts/part.js';

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** As the supervisor runs its parts: they die with this process, however it ends. */
const PREFIX =
  spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0
    ? ['setpriv', '--pdeathsig', 'KILL']
    : [];

/**
 * A part of the service under test: started, stopped, killed, frozen and continued by its own process number. Each life is one `Part` of
 * the supervisor, which also starts it again when it dies by itself; `crashes` then says so.
 */
export class StackPart {
  #part: Part | undefined;
  readonly crashes: string[] = [];

  constructor(readonly plan: PartPlan) {}

  get pid(): number {
    const pid = this.#part?.pid;
    if (pid === undefined) throw new Error(`${this.plan.name} is not running`);
    return pid;
  }

  get isUp(): boolean {
    return this.#part?.pid !== undefined;
  }

  start(): void {
    if (this.isUp) throw new Error(`${this.plan.name} runs already`);
    this.#part = new Part(this.plan, PREFIX, (line) => this.crashes.push(line));
    this.#part.start();
  }

  /** SIGKILL; returns when the process is gone. It stays down until `start`. */
  async kill(): Promise<void> {
    const part = this.#part;
    this.#part = undefined;
    part?.kill();
    while (part?.pid !== undefined) await sleep(5);
  }

  /** SIGTERM; returns when the process has ended by itself, or was killed past its grace time: `crashes` then says so. */
  async stop(): Promise<void> {
    const part = this.#part;
    this.#part = undefined;
    await part?.stop();
  }

  async restart(): Promise<void> {
    await this.kill();
    this.start();
  }

  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  log(): string {
    return readFileSync(this.plan.log, 'utf8');
  }
}
