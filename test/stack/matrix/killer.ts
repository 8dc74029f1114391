import { sleep } from '../parts.js';
import type { Stack } from '../stack.js';

/** Milliseconds in which others may come to the same kill: each costs a start of the worker. */
const GATHER_MS = 1500;

/** Kills the worker for all who want it at that time. */
export class Killer {
  #next: Promise<void> | undefined;
  #acts: (() => Promise<void>)[] = [];
  kills = 0;

  constructor(private readonly stack: Stack) {}

  /** Returns once the worker was killed and started again; `act` is done in between. */
  kill(act: () => Promise<void>): Promise<void> {
    this.#acts.push(act);
    this.#next ??= this.#gather();
    return this.#next;
  }

  async #gather(): Promise<void> {
    await sleep(GATHER_MS);
    const acts = this.#acts;
    this.#acts = [];
    this.#next = undefined;
    await this.stack.worker.kill();
    this.kills++;
    await Promise.all(acts.map((act) => act()));
    // Another kill may have begun to gather; it comes after this start, since both are one step of this process.
    this.stack.worker.start();
  }
}
