import { CancellationScope, condition, isCancellation, patched, sleep } from '@temporalio/workflow';
import type { EndedSteps, Outcome, StopRequest } from '../model/operation.js';
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
  /** Titles of steps that earlier attempts ended. */
  done?: readonly string[];
  /** What earlier runs of this attempt ended, and this one leaves alone. */
  ended?: EndedSteps;
  /** True once the run's history is so long that it should go on in a new one. */
  isLong?: () => boolean;
  /** Called when a step begins: the list has changed. */
  changed?: () => void;
}

/** Ends a lane in which nothing more may begin; never seen outside the runner. */
class Halted extends Error {}
/** Ends an isolated lane whose step failed; the others go on. */
class LaneFailed extends Error {}

type LineFailure<Act> = Failure & { entry: StepEntry<Act> };
/** A lane of an isolated group keeps its failure to itself. */
interface Isolation<Act> {
  failure?: LineFailure<Act>;
}

/**
 * A promise that is resolved from outside, and whether it has been: an ended line is not waited for again. It is made when somebody waits:
 * the SDK notes where each promise was made, and a list may have ten thousand lines.
 */
class Signal {
  over = false;
  private resolvers: (() => void)[] = [];
  promise(): Promise<void> {
    if (this.over) return Promise.resolve();
    return new Promise((resolve) => void this.resolvers.push(resolve));
  }
  resolve(): void {
    this.over = true;
    for (const resolve of this.resolvers.splice(0)) resolve();
  }
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
  private pausedSince: number | undefined;
  private pausedMs = 0;
  private stopped: StopRequest | undefined;
  private readonly entries: Entry<Act>[];
  private readonly steps = new Map<number, StepEntry<Act>>();
  private readonly ended: Signal[];
  private readonly halted = new Signal();
  private readonly begun: ReadonlySet<string>;
  private readonly undone: ReadonlySet<string>;
  /** Lines of the steps that are being worked on, and how many steps are over: told at every step. */
  private readonly atWork = new Set<number>();
  private over = 0;
  private readonly kept = new Set<number>();
  private readonly slots = new Map<string, Slot>();
  private readonly failures: LineFailure<Act>[] = [];
  /** Failures that did not end the operation: of optional steps and of isolated lanes. */
  private readonly warnings: LineFailure<Act>[] = [];
  private readonly leftoverLines: { line: number; note: string }[] = [];
  private resting = false;
  private overLimit: string | undefined;
  private readonly work = new CancellationScope();
  private readonly waits = new CancellationScope({ parent: this.work, cancellable: true });

  constructor(private readonly options: RunOptions<Act>) {
    const { entries, lines } = layOut(options.items);
    this.entries = entries;
    this.lines = lines;
    this.states = lines.map(() => 'pending');
    this.ended = lines.map(() => new Signal());
    this.begun = new Set(options.begun);
    this.undone = new Set(options.ended?.undone);
    const index = (list: Entry<Act>[]): void =>
      list.forEach((entry) => ('step' in entry ? void this.steps.set(entry.line, entry) : entry.lanes.forEach(index)));
    index(entries);
    const done = new Set(options.ended?.done);
    for (const entry of this.steps.values()) {
      const { step } = entry;
      if (step.skip) this.mark(entry.line, 'skipped');
      else if (done.has(step.title)) this.mark(entry.line, 'done');
      else if (this.undone.has(step.title)) this.mark(entry.line, 'undone');
      if (step.keep && (step.skip || options.done?.includes(step.title))) this.keep(entry.lane);
      if (step.noReturn && this.begun.has(step.title)) this.keep(entry.lane.slice(0, -1));
    }
    // A cancel from outside (the Temporal Web UI) reaches the scope first.
    this.work.cancelRequested.catch(() => this.halted.resolve());
  }

  /** Ends the run at its next safe point; a cancel then undoes, a take-over leaves everything as it is. */
  requestStop(request: StopRequest): void {
    this.stopped ??= request;
    this.halted.resolve();
    this.work.cancel();
  }

  /** While it is paused no further step begins, and the operation's limit stands still. */
  get paused(): boolean {
    return this.pausedSince !== undefined;
  }
  set paused(on: boolean) {
    if (on === this.paused) return;
    if (this.pausedSince !== undefined) this.pausedMs += Date.now() - this.pausedSince;
    this.pausedSince = on ? Date.now() : undefined;
  }
  /** How long it has been paused, before a pause that goes on. */
  get pausedSeconds(): number {
    return this.pausedMs / 1000;
  }

  /** Titles of the steps that are being worked on. */
  running(): string[] {
    return [...this.atWork].sort((a, b) => a - b).map((line) => this.lines[line]!.title);
  }

  get percent(): number {
    return this.steps.size === 0 ? 100 : Math.floor((100 * this.over) / this.steps.size);
  }

  /** The step of this line is now so. */
  private mark(line: number, state: StepState): void {
    const isOver = (of: StepState) => of === 'done' || of === 'skipped';
    this.over += Number(isOver(state)) - Number(isOver(this.states[line]!));
    if (state === 'running') this.atWork.add(line);
    else this.atWork.delete(line);
    this.states[line] = state;
  }

  async run(): Promise<Outcome> {
    const root = CancellationScope.current();
    const timer = new CancellationScope();
    void timer
      .run(() => this.limitPasses())
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

  /** True when the run ended early because its history had grown long: a new run goes on from facts and from what this one ended. */
  get goesOn(): boolean {
    if (!this.resting) return false;
    if (this.stopped === 'cancel') return true;
    return this.failures.length === 0 && this.overLimit === undefined && this.stopped === undefined;
  }

  /** What the run that goes on from this one has to know besides facts. */
  get endedSteps(): EndedSteps {
    const titles = (state: StepState) =>
      [...this.steps.values()].flatMap(({ line, step }) => (this.states[line] === state ? [step.title] : []));
    // A lane that failed alone is undone too, but not for good: the next run has it before it again.
    return { done: titles('done'), undone: this.stopped === 'cancel' ? titles('undone') : [] };
  }

  get stop(): StopRequest | undefined {
    return this.stopped;
  }

  /** Undoes what this and earlier attempts began, without running anything. */
  async undo(): Promise<Outcome> {
    this.stopped ??= 'cancel';
    await CancellationScope.nonCancellable(() => this.undoAll());
    return this.outcome();
  }

  private async limitPasses(): Promise<void> {
    await sleep(this.options.limit.seconds * 1000);
    for (let waited = 0; this.paused || this.pausedMs > waited;) {
      if (!patched('pause-stops-the-clock')) return;
      await condition(() => !this.paused);
      const more = this.pausedMs - waited;
      waited = this.pausedMs;
      await sleep(more);
    }
  }

  private exceed(): void {
    const running = this.running();
    const at =
      running.length === 0
        ? 'between two steps'
        : `while working on: ${running.slice(0, 5).join('; ')}${running.length > 5 ? `; and ${running.length - 5} more` : ''}`;
    // What had failed before is why the operation ends; what fails from here on was stopped in the middle.
    if (this.failures.length === 0)
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

  private async lane(entries: Entry<Act>[], isolation?: Isolation<Act>): Promise<void> {
    for (const entry of entries) await ('step' in entry ? this.step(entry, isolation) : this.group(entry, isolation));
  }

  private async group({ line, group, lanes }: GroupEntry<Act>, outer?: Isolation<Act>): Promise<void> {
    let next = 0;
    const lost: LineFailure<Act>[] = [];
    const runner = async () => {
      for (let i = next++; i < lanes.length; i = next++)
        if (group.isolated) await this.isolatedLane(lanes[i]!, lost);
        else await this.lane(lanes[i]!, outer);
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
    const [worst] = lost;
    if (worst && lost.length === lanes.length) {
      this.states[line] = 'failed';
      this.warnings.splice(0, this.warnings.length, ...this.warnings.filter((one) => !lost.includes(one)));
      this.failures.push(...lost);
      this.halted.resolve();
      this.waits.cancel();
      throw new Halted();
    }
  }

  /** A lane that fails is undone, and leaves the rest of the operation alone. */
  private async isolatedLane(entries: Entry<Act>[], lost: LineFailure<Act>[]): Promise<void> {
    const isolation: Isolation<Act> = {};
    try {
      await this.lane(entries, isolation);
    } catch (error) {
      if (!isolation.failure) throw error;
      // Stopped with the operation: the lane is nobody's to undo but the cancel's.
      if (!this.mayGoOn) throw new Halted();
      lost.push(isolation.failure);
      this.warnings.push(isolation.failure);
      const lines: number[] = [];
      const collect = (list: Entry<Act>[]): void =>
        list.forEach((entry) => ('step' in entry ? void lines.push(entry.line) : entry.lanes.forEach(collect)));
      collect(entries);
      await CancellationScope.nonCancellable(async () => {
        for (const line of lines.reverse()) await this.undoLine(line);
      });
      // What waits for a line of this lane would wait for ever.
      lines.forEach((line) => this.ended[line]!.resolve());
    }
  }

  private async step(entry: StepEntry<Act>, isolation?: Isolation<Act>): Promise<void> {
    const { step, line } = entry;
    const waitsFor = entry.after.filter((before) => !this.ended[before]!.over);
    if (waitsFor.length > 0)
      await Promise.race([Promise.all(waitsFor.map((before) => this.ended[before]!.promise())), this.halted.promise()]);
    this.check();
    if (this.states[line] === 'pending') {
      if (this.paused) await condition(() => !this.paused || !this.mayGoOn).catch(() => undefined);
      this.check();
      const slot = step.slot && this.slot(step.slot.name(), step.slot.width);
      await slot?.enter(() => !this.mayGoOn);
      try {
        this.check();
        if (this.options.isLong?.()) {
          this.resting = true;
          this.halted.resolve();
          throw new Halted();
        }
        this.mark(line, 'running');
        if (step.noReturn) this.keep(entry.lane.slice(0, -1));
        this.options.changed?.();
        await this.tryStep(entry);
        this.mark(line, 'done');
      } catch (error) {
        this.fail(entry, error, isolation);
      } finally {
        slot?.leave();
      }
    }
    if (step.keep) this.keep(entry.lane);
    this.ended[line]!.resolve();
  }

  private keep(lines: readonly number[]): void {
    lines.forEach((line) => this.kept.add(line));
  }

  /** True when a cancel leaves the line's work standing: its own, or that of a group around it. */
  private isKept(line: number): boolean {
    for (let at: number | null = line; at !== null; at = this.lines[at]!.parent) if (this.kept.has(at)) return true;
    return false;
  }

  private async tryStep({ step, line }: StepEntry<Act>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const act = this.options.stubs(this.lines[line]!, step.limitSeconds, false);
      try {
        await (step.wait ? this.waits.run(() => step.run(act)) : step.run(act));
        return;
      } catch (error) {
        if (attempt >= (step.tries ?? 1) || isCancellation(error) || !this.mayGoOn) throw error;
        // A budget was asked for as long as the setting allows: trying again would wait for as long once more.
        if (describeFailure(error, 0).code === 'EvictionRefused' && patched('budget-waits-once')) throw error;
      }
    }
  }

  private slot(name: string, width: number): Slot {
    const slot = this.slots.get(name) ?? new Slot(width);
    this.slots.set(name, slot);
    return slot;
  }

  private fail(entry: StepEntry<Act>, error: unknown, isolation?: Isolation<Act>): void {
    if (error instanceof Halted) throw error;
    this.mark(entry.line, 'failed');
    if (isCancellation(error) && !this.mayGoOn) throw new Halted();
    const failure = { ...describeFailure(error, entry.step.limitSeconds), entry };
    if (entry.step.optional) {
      this.warnings.push(failure);
      return;
    }
    if (isolation) {
      isolation.failure ??= failure;
      throw new LaneFailed();
    }
    this.failures.push(failure);
    this.halted.resolve();
    this.waits.cancel();
    throw new Halted();
  }

  private async undoAll(): Promise<void> {
    const dependents = new Map<number, number[]>();
    for (const { line, after } of this.lines)
      for (const before of after) dependents.set(before, [...(dependents.get(before) ?? []), line]);
    const undone = new Map<number, Promise<void>>();
    const afterDependents = (line: number): Promise<void> => {
      const known = undone.get(line);
      if (known) return known;
      const work = Promise.all((dependents.get(line) ?? []).map(afterDependents)).then(() => this.undoInTurn(line));
      undone.set(line, work);
      return work;
    };
    // From the last line to the first, so that the recursion stays shallow.
    await Promise.all([...this.lines].reverse().map(({ line }) => afterDependents(line)));
  }

  /** One line of an undo of everything, which goes on in a new run once its history is long, as steps do. */
  private undoInTurn(line: number): Promise<void> | undefined {
    if (this.undone.has(this.lines[line]!.title)) return undefined;
    if (!this.options.isLong?.() || !patched('undo-goes-on')) return this.undoLine(line);
    this.resting = true;
    return undefined;
  }

  private async undoLine(line: number): Promise<void> {
    const step = this.steps.get(line)?.step;
    const wasBegun =
      ['running', 'done', 'failed'].includes(this.states[line]!) || this.begun.has(this.lines[line]!.title);
    if (!step || !wasBegun || this.isKept(line)) return;
    if (!step.undo) {
      if (this.states[line] !== 'skipped') this.mark(line, 'undone');
      return;
    }
    this.mark(line, 'undoing');
    this.options.changed?.();
    try {
      await step.undo(this.options.stubs(this.lines[line]!, step.limitSeconds, true));
      this.mark(line, 'undone');
    } catch (error) {
      this.mark(line, 'leftover');
      this.leftoverLines.push({
        line,
        note: `undo of "${step.title}": ${describeFailure(error, step.limitSeconds).message}`,
      });
    }
  }

  private outcome(): Outcome {
    const { leftoverLines } = this;
    // A step that failed because a cancel stopped it, or before that, and was undone then, is undone.
    const failed = [...this.failures, ...this.warnings].filter(
      ({ entry }) => this.stopped !== 'cancel' || this.states[entry.line] === 'failed',
    );
    // Comes last: the Temporal Web UI shows results as they are written, and how it ended is what is looked for.
    const base = {
      failedLines: failed.map(({ entry, message }) => ({ line: entry.line, note: message })),
      leftoverLines,
      leftovers: leftoverLines.map(({ note }) => note),
      undoneLines: this.lines.flatMap(({ line }) => (this.states[line] === 'undone' ? [line] : [])),
    };
    if (this.stopped === 'cancel') return { end: 'cancelled', fault: 'Cancelled', reason: 'Cancelled', ...base };
    if (this.stopped === 'supersede')
      return { end: 'superseded', fault: 'Superseded', reason: 'a delete took over', ...base };
    if (this.overLimit !== undefined)
      return { end: 'failed', fault: 'OperationTimeout', reason: this.overLimit, ...base };
    const [first] = this.failures;
    if (first) {
      const more = this.failures.length > 1 ? ` (and ${this.failures.length - 1} more)` : '';
      return {
        end: 'failed',
        fault: first.code,
        reason: `${first.entry.step.title}: ${first.message}${more}`,
        ...(first.entry.step.rest && { rest: first.entry.step.rest }),
        ...base,
      };
    }
    const [warning] = this.warnings;
    return {
      end: 'succeeded',
      ...(warning && {
        warning: `${warning.entry.step.title}: ${warning.message}${this.warnings.length > 1 ? ` (and ${this.warnings.length - 1} more)` : ''}`,
      }),
      ...base,
    };
  }
}
