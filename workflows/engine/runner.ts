import { CancellationScope, condition, isCancellation, sleep } from '@temporalio/workflow';
import type { Outcome, StopRequest } from '../model/operation.js';
import type { PlanLine } from '../model/plan.js';
import type { StepState } from '../model/step-state.js';
import { describeFailure, type Failure } from './failure.js';
import { layOut, type Entry, type GroupEntry, type Item, type StepEntry } from './step.js';

export interface RunOptions<Act> {
  items: readonly Item<Act>[];
  /** The activities as one line calls them. */
  stubs: (line: PlanLine, limitSeconds: number, undo: boolean) => Act;
  limit: { seconds: number; setting: string };
  /** Titles of steps that earlier attempts began: a cancel undoes them too. */
  begun: readonly string[];
  /** Called when a step begins: the list has changed. */
  changed?: () => void;
}

/** Ends a lane in which nothing more may begin; never seen outside the runner. */
class Halted extends Error {}

/** A promise that is resolved from outside, and whether it has been: an ended line is not waited for again. */
function signalled() {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  const signal = { over: false, promise, resolve: () => ((signal.over = true), resolve()) };
  return signal;
}

/** Places for steps that share a slot: first come, first served. */
class Slot {
  private next = 0;
  private released = 0;
  constructor(private readonly width: number) {}
  async enter(halted: () => boolean): Promise<void> {
    const ticket = this.next++;
    // A cancelled wait is a halt like others: the caller looks.
    await condition(() => ticket < this.released + this.width || halted()).catch(() => undefined);
  }
  leave(): void {
    this.released++;
  }
}

/**
 * Runs one list of steps: lanes at the same time, skips, slots, pause, limits, failure, cancel with undo. It owns these once,
 * for all operations; a step knows only how to do and undo itself.
 */
export class Runner<Act> {
  readonly lines: PlanLine[];
  readonly states: StepState[];
  paused = false;
  private stopped: StopRequest | undefined;
  private readonly entries: Entry<Act>[];
  private readonly steps = new Map<number, StepEntry<Act>>();
  private readonly ended: ReturnType<typeof signalled>[];
  private readonly halted = signalled();
  private readonly kept = new Set<number>();
  private readonly slots = new Map<string, Slot>();
  private readonly failures: (Failure & { entry: StepEntry<Act> })[] = [];
  private overLimit: string | undefined;
  private readonly work = new CancellationScope();
  private readonly waits = new CancellationScope({ parent: this.work, cancellable: true });

  constructor(private readonly options: RunOptions<Act>) {
    const { entries, lines } = layOut(options.items);
    this.entries = entries;
    this.lines = lines;
    this.states = lines.map((line) => (line.skip === null ? 'pending' : 'skipped'));
    this.ended = lines.map(signalled);
    const index = (list: Entry<Act>[]): void =>
      list.forEach((entry) => ('step' in entry ? void this.steps.set(entry.line, entry) : entry.lanes.forEach(index)));
    index(entries);
    // A cancel from outside (the Temporal Web UI) reaches the scope first.
    this.work.cancelRequested.catch(() => this.halted.resolve());
  }

  /** Ends the run at its next safe point; a cancel then undoes, a take-over leaves everything as it is. */
  requestStop(request: StopRequest): void {
    this.stopped ??= request;
    this.halted.resolve();
    this.work.cancel();
  }

  /** Titles of the steps that are being worked on. */
  running(): string[] {
    return [...this.steps.values()].flatMap(({ line, step }) => (this.states[line] === 'running' ? [step.title] : []));
  }

  get percent(): number {
    let over = 0;
    for (const line of this.steps.keys()) if (this.states[line] === 'done' || this.states[line] === 'skipped') over++;
    return this.steps.size === 0 ? 100 : Math.floor((100 * over) / this.steps.size);
  }

  async run(): Promise<Outcome> {
    const root = CancellationScope.current();
    const timer = new CancellationScope();
    const { limit } = this.options;
    void timer
      .run(() => sleep(limit.seconds * 1000))
      .then(() => this.exceed())
      .catch(() => undefined);
    await this.work
      .run(() => this.lane(this.entries))
      .catch((error: unknown) => {
        if (!(error instanceof Halted)) throw error;
      });
    timer.cancel();
    if (root.consideredCancelled) this.stopped ??= 'cancel';
    if (this.stopped === 'cancel') return this.undo();
    return this.outcome();
  }

  /** Undoes what this and earlier attempts began, without running anything. */
  async undo(): Promise<Outcome> {
    this.stopped ??= 'cancel';
    const leftoverLines: { line: number; note: string }[] = [];
    await CancellationScope.nonCancellable(() => this.undoAll(leftoverLines));
    const undoneLines = this.lines.flatMap(({ line }) => (this.states[line] === 'undone' ? [line] : []));
    return { ...this.outcome(), leftoverLines, leftovers: leftoverLines.map(({ note }) => note), undoneLines };
  }

  private exceed(): void {
    const running = this.running();
    const at =
      running.length === 0
        ? 'between two steps'
        : `while working on: ${running.slice(0, 5).join('; ')}${running.length > 5 ? `; and ${running.length - 5} more` : ''}`;
    this.overLimit = `took longer than ${this.options.limit.setting} (${this.options.limit.seconds} s), ${at}`;
    this.halted.resolve();
    this.work.cancel();
  }

  private get mayGoOn(): boolean {
    return (
      this.failures.length === 0 &&
      this.overLimit === undefined &&
      this.stopped === undefined &&
      !this.work.consideredCancelled
    );
  }

  private check(): void {
    if (!this.mayGoOn) throw new Halted();
  }

  private async lane(entries: Entry<Act>[]): Promise<void> {
    for (const entry of entries) await ('step' in entry ? this.step(entry) : this.group(entry));
  }

  private async group({ line, group, lanes }: GroupEntry<Act>): Promise<void> {
    let next = 0;
    const runner = async () => {
      for (let i = next++; i < lanes.length; i = next++) await this.lane(lanes[i]!);
    };
    const width = Math.min(group.width ?? lanes.length, lanes.length);
    this.states[line] = 'running';
    // Every lane is waited for: running steps reach their end before anything is undone or settled.
    const ends = await Promise.allSettled(Array.from({ length: width }, runner));
    const failed = ends.filter((end) => end.status === 'rejected');
    this.states[line] = failed.length === 0 ? 'done' : 'failed';
    this.ended[line]!.resolve();
    const first = failed.find((end) => !(end.reason instanceof Halted)) ?? failed[0];
    if (first) throw first.reason;
  }

  private async step(entry: StepEntry<Act>): Promise<void> {
    const { step, line } = entry;
    const waitsFor = entry.after.filter((before) => !this.ended[before]!.over);
    if (waitsFor.length > 0)
      await Promise.race([Promise.all(waitsFor.map((before) => this.ended[before]!.promise)), this.halted.promise]);
    this.check();
    if (!step.skip) {
      if (this.paused) await condition(() => !this.paused || !this.mayGoOn).catch(() => undefined);
      this.check();
      const slot = step.slot && this.slot(step.slot.name(), step.slot.width);
      await slot?.enter(() => !this.mayGoOn);
      try {
        this.check();
        this.states[line] = 'running';
        this.options.changed?.();
        const act = this.options.stubs(this.lines[line]!, step.limitSeconds, false);
        await (step.wait ? this.waits.run(() => step.run(act)) : step.run(act));
        this.states[line] = 'done';
      } catch (error) {
        this.fail(entry, error);
      } finally {
        slot?.leave();
      }
    }
    if (step.keep) entry.lane.forEach((each) => this.kept.add(each));
    this.ended[line]!.resolve();
  }

  private slot(name: string, width: number): Slot {
    const slot = this.slots.get(name) ?? new Slot(width);
    this.slots.set(name, slot);
    return slot;
  }

  private fail(entry: StepEntry<Act>, error: unknown): never {
    if (error instanceof Halted) throw error;
    this.states[entry.line] = 'failed';
    if (isCancellation(error) && !this.mayGoOn) throw new Halted();
    this.failures.push({ ...describeFailure(error, entry.step.limitSeconds), entry });
    this.halted.resolve();
    this.waits.cancel();
    throw new Halted();
  }

  private async undoAll(leftovers: { line: number; note: string }[]): Promise<void> {
    const begun = new Set(this.options.begun);
    const dependents = new Map<number, number[]>();
    for (const { line, after } of this.lines)
      for (const before of after) dependents.set(before, [...(dependents.get(before) ?? []), line]);
    const undone = new Map<number, Promise<void>>();
    const undoLine = (line: number): Promise<void> => {
      const known = undone.get(line);
      if (known) return known;
      const work = (async () => {
        await Promise.all((dependents.get(line) ?? []).map(undoLine));
        const step = this.steps.get(line)?.step;
        const wasBegun =
          ['running', 'done', 'failed'].includes(this.states[line]!) || begun.has(this.lines[line]!.title);
        if (!step || !wasBegun || this.kept.has(line)) return;
        if (!step.undo) {
          if (this.states[line] !== 'skipped') this.states[line] = 'undone';
          return;
        }
        this.states[line] = 'undoing';
        this.options.changed?.();
        try {
          await step.undo(this.options.stubs(this.lines[line]!, step.limitSeconds, true));
          this.states[line] = 'undone';
        } catch (error) {
          this.states[line] = 'leftover';
          leftovers.push({
            line,
            note: `undo of "${step.title}": ${describeFailure(error, step.limitSeconds).message}`,
          });
        }
      })();
      undone.set(line, work);
      return work;
    };
    // From the last line to the first, so that the recursion stays shallow.
    await Promise.all([...this.lines].reverse().map(({ line }) => undoLine(line)));
  }

  private outcome(): Outcome {
    const failedLines = this.failures.map(({ entry, message }) => ({ line: entry.line, note: message }));
    const base = { leftovers: [], failedLines, leftoverLines: [] };
    if (this.stopped === 'cancel') return { ...base, end: 'cancelled', fault: 'Cancelled', reason: 'Cancelled' };
    if (this.stopped === 'supersede')
      return { ...base, end: 'superseded', fault: 'Superseded', reason: 'a delete took over' };
    const [first] = this.failures;
    if (first) {
      const more = this.failures.length > 1 ? ` (and ${this.failures.length - 1} more)` : '';
      return {
        ...base,
        end: 'failed',
        fault: first.code,
        reason: `${first.entry.step.title}: ${first.message}${more}`,
        ...(first.entry.step.rest && { rest: first.entry.step.rest }),
      };
    }
    if (this.overLimit !== undefined)
      return { ...base, end: 'failed', fault: 'OperationTimeout', reason: this.overLimit };
    return { ...base, end: 'succeeded' };
  }
}
