import { sleep } from '../parts.js';
import type { Stack } from '../stack.js';

/** Milliseconds that the first who wants a kill waits for the others. */
const GATHER_MS = 20_000;

/** Kills the worker for all who want it, once all want it: each kill costs a start of the worker, and stops what the others do. */
export class Killer {
  #next: Promise<void> | undefined;
  #acts: (() => Promise<void>)[] = [];
  kills = 0;
  /** How many work that will want a kill. */
  expected = 1;

  constructor(private readonly stack: Stack) {}

  /** Returns once the worker was killed and started again; `act` is done in between. */
  kill(act: () => Promise<void>): Promise<void> {
    this.#acts.push(act);
    this.#next ??= this.#gather();
    return this.#next;
  }

  async #gather(): Promise<void> {
    for (const begin = Date.now(); this.#acts.length < this.expected && Date.now() - begin < GATHER_MS;)
      await sleep(50);
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
