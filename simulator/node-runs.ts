import type { Guests, GuestWatcher, Run } from './guests.js';
import { guestKeyOf } from './guests.js';
import type { Outcome, Subcommand, Success, Work } from './subcommand.js';
import type { Domain, Zone } from './zone.js';

/**
 * The systemd units of the simulated nodes: a keyed run has an end in wall time, which no cut connection and no restart of the
 * simulator moves; one at a time per machine; its result stays under its key. Only switching the machine off ends it.
 */
export class NodeRuns implements GuestWatcher {
  private readonly going = new Map<string, Promise<void>>();

  constructor(
    private readonly zone: Zone,
    private readonly guests: Guests,
    private readonly subcommands: Record<string, Subcommand>,
  ) {}

  find(guestKey: string, key: string): Run | undefined {
    return this.guests.shelf.get(guestKey)?.runs[key];
  }

  /** Begins the run, or attaches to it; resolves with it when it has ended, with nothing when the machine was switched off. */
  async run(
    guestKey: string,
    key: string,
    subcommand: string,
    input: Record<string, string>,
  ): Promise<Run | undefined> {
    const begin = this.zone.clock.now();
    if (!this.find(guestKey, key))
      this.put(guestKey, { key, subcommand, state: 'queued', begin, end: 0, exit: 0, result: {}, error: '', input });
    await this.attach(guestKey, key);
    return this.find(guestKey, key);
  }

  /** Stores a run that failed at once. */
  fail(guestKey: string, key: string, subcommand: string, error: string): Run {
    const now = this.zone.clock.now();
    const run: Run = { key, subcommand, state: 'failed', begin: now, end: now, exit: 1, result: {}, error };
    this.put(guestKey, run);
    return run;
  }

  async attach(guestKey: string, key: string): Promise<void> {
    const run = this.find(guestKey, key);
    if (!run || run.state === 'done' || run.state === 'failed') return;
    const id = `${guestKey}/${key}`;
    let going = this.going.get(id);
    if (!going) {
      const boot = this.guests.domainOf(guestKey)?.bootedAt ?? 0;
      const mine = this.zone.locks
        .run(`node/${guestKey}/${boot}`, () => this.carryOut(guestKey, key))
        .finally(() => {
          if (this.going.get(id) === mine) this.going.delete(id);
        });
      going = mine;
      this.going.set(id, going);
    }
    await going;
  }

  booted(_domain: Domain, guestKey: string, resumed: boolean): void {
    if (!resumed) return;
    const runs = Object.values(this.guests.shelf.get(guestKey)?.runs ?? {});
    for (const run of runs.sort((a, b) => a.begin - b.begin))
      void this.attach(guestKey, run.key).catch((error: unknown) =>
        this.zone.log.error({ err: error }, 'simulated run'),
      );
  }

  /** Units do not outlive their machine's power: what was going leaves no result. */
  poweredOff(domain: Domain): void {
    const key = guestKeyOf(domain);
    const guest = this.guests.shelf.get(key);
    if (!guest) return;
    const ended = Object.entries(guest.runs).filter(([, run]) => run.state === 'done' || run.state === 'failed');
    this.guests.shelf.put(key, { ...guest, runs: Object.fromEntries(ended) });
    for (const run of Object.keys(guest.runs)) this.going.delete(`${key}/${run}`);
  }

  private async carryOut(guestKey: string, key: string): Promise<void> {
    let run = this.find(guestKey, key);
    const subcommand = this.subcommands[run?.subcommand ?? ''];
    const queued = this.work(guestKey, run);
    if (!run || !subcommand || !queued || run.state === 'done' || run.state === 'failed') return;
    if (run.state === 'queued') {
      const outlook = subcommand.begin(queued);
      if ('nothing' in outlook) return this.end(guestKey, run, { state: 'done', result: outlook.nothing });
      if ('fail' in outlook) return this.end(guestKey, run, { state: 'failed', exit: 1, error: outlook.fail });
      const begin = this.zone.clock.now();
      const { phase } = outlook;
      run = { ...run, state: 'running', begin, end: begin + this.zone.clock.ms(outlook.seconds), phase };
      this.put(guestKey, run);
    }
    for (;;) {
      await this.zone.clock.until(run.end);
      const work = this.work(guestKey, run);
      if (!work) return;
      const outcome: Outcome = await subcommand.finish(work);
      if (!this.work(guestKey, run)) return;
      if ('fail' in outcome) return this.end(guestKey, run, { state: 'failed', exit: 1, error: outcome.fail });
      if ('result' in outcome) return this.endWell(guestKey, run, work, outcome);
      const end = this.zone.clock.now() + this.zone.clock.ms(outcome.again);
      run = { ...run, end, phase: undefined };
      this.put(guestKey, run);
    }
  }

  /** The machine as it is now, if the run is still its own. */
  private work(guestKey: string, run: Run | undefined): Work | undefined {
    const domain = this.guests.domainOf(guestKey);
    const guest = this.guests.awake(domain);
    const found = run && guest?.runs[run.key];
    if (!domain || !guest || !found || found.begin !== run.begin) return undefined;
    return { key: run.key, domain, guest, input: run.input ?? {}, phase: run.phase };
  }

  private endWell(guestKey: string, run: Run, work: Work, outcome: Success): void {
    this.zone.disk.commit(() => {
      const { programs, runs } = this.guests.shelf.get(guestKey) ?? outcome.guest;
      this.guests.shelf.put(guestKey, { ...outcome.guest, programs, runs });
      outcome.after?.();
      this.end(guestKey, run, { state: 'done', result: outcome.result });
      const action = { on: 'node', kind: `node.${run.subcommand}`, key: run.key, node: work.guest.hostName } as const;
      this.zone.record(action, run.begin, this.zone.clock.now());
    });
  }

  private end(guestKey: string, run: Run, how: Partial<Run>): void {
    const { input: _input, phase: _phase, ...kept } = run;
    this.put(guestKey, { ...kept, ...how, end: this.zone.clock.now() });
  }

  private put(guestKey: string, run: Run): void {
    const guest = this.guests.shelf.get(guestKey);
    if (guest) this.guests.shelf.put(guestKey, { ...guest, runs: { ...guest.runs, [run.key]: run } });
  }
}
