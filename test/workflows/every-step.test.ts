import { CASES } from '../fakes/cluster-facts.js';
import { OperationWorld, playedBy, type Trouble } from '../fakes/operation-world.js';
import { TemporalFixture } from '../fakes/temporal.js';
import { layOut, type Entry, type StepEntry } from '../../workflows/engine/step.js';
import { WORKFLOW_OF } from '../../workflows/client.js';
import type { Outcome } from '../../workflows/model/operation.js';
import type { PlanLine } from '../../workflows/model/plan.js';
import { DEFAULT_SETTINGS } from '../../workflows/model/settings.js';
import { LISTS } from '../../workflows/steps/lists.js';
import type { Act } from '../../workflows/stubs.js';

/**
 * Every step of every operation, broken in turn. The steps come from the operations' own lists, so a new one cannot escape. One worker
 * plays all worlds, many operations at a time.
 */
const AT_ONCE = 12;
/** No pauses between attempts of a step that is tried again, and no waiting for widths. */
const SETTINGS = { 'cloud.kubernetes.cluster.upgrade.retries': 0 };

let temporal: TemporalFixture;
const worlds = new Map<string, OperationWorld>();
let ended: () => void;
let running: Promise<void>;
beforeAll(async () => {
  temporal = await TemporalFixture.start();
  const activities = playedBy((id) => worlds.get(id)!);
  running = temporal.withWorker(activities, () => new Promise<void>((resolve) => (ended = resolve)));
}, 120_000);
afterAll(async () => {
  ended?.();
  await running;
  await temporal?.stop();
});

interface Listed {
  lines: PlanLine[];
  steps: Map<string, StepEntry<Act>>;
  /** Titles in the same isolated lane, by title. */
  laneMates: Map<string, Set<string>>;
  titles: string[];
}

function listOf(name: string): Listed {
  const { kind, facts } = CASES[name]!;
  const { entries, lines } = layOut(LISTS[kind].steps(facts, { ...DEFAULT_SETTINGS, ...SETTINGS }));
  const steps = new Map<string, StepEntry<Act>>();
  const laneMates = new Map<string, Set<string>>();
  const collect = (list: Entry<Act>[], lane?: Set<string>): void =>
    list.forEach((entry) => {
      if ('step' in entry) {
        steps.set(entry.step.title, entry);
        if (lane) laneMates.set(entry.step.title, lane.add(entry.step.title));
      } else entry.lanes.forEach((each) => collect(each, entry.group.isolated ? new Set() : lane));
    });
  collect(entries);
  const titles = lines.filter(({ kind: of, skip }) => of !== 'group' && skip === null).map(({ title }) => title);
  return { lines, steps, laneMates, titles };
}

async function run(name: string, title: string | undefined, trouble?: Trouble, cancel = false) {
  const { kind, facts } = CASES[name]!;
  const world = new OperationWorld(facts, SETTINGS, kind);
  if (title !== undefined && trouble) world.troubles.set(title, trouble);
  const begun = new Promise<void>((resolve) => {
    world.onBegin = (call) => void (call.title === title && !call.undo && resolve());
  });
  const handle = await temporal.start(WORKFLOW_OF[kind], (id) => worlds.set(id, world));
  if (cancel) {
    await begun;
    await handle.signal('stop', 'cancel');
  }
  await handle.result();
  return { world, outcome: world.outcomes[0] as Outcome, title: title ?? '' };
}

async function each<T>(titles: readonly string[], body: (title: string) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let i = 0; i < titles.length; i += AT_ONCE)
    results.push(...(await Promise.all(titles.slice(i, i + AT_ONCE).map(body))));
  return results;
}

/** Lines that wait, over however many others, for a line. */
function dependents(lines: readonly PlanLine[], title: string): Set<string> {
  const found = new Set([title]);
  for (const line of lines) if (line.after.some((before) => found.has(lines[before]!.title))) found.add(line.title);
  found.delete(title);
  return found;
}

/** True when the line is one of these, or is in a group that is. */
function isIn(lines: readonly PlanLine[], title: string, these: readonly number[]): boolean {
  let at = lines.find((line) => line.title === title)?.line ?? null;
  for (; at !== null; at = lines[at]!.parent) if (these.includes(at)) return true;
  return false;
}

describe.each(Object.keys(CASES))('%s', (name) => {
  const { lines, steps, laneMates, titles } = listOf(name);

  test('its titles are unique, and it runs every step once, none before those that it waits for', async () => {
    expect(new Set(lines.map(({ title }) => title)).size).toBe(lines.length);
    const { world, outcome } = await run(name, undefined);
    expect(outcome).toMatchObject({ end: 'succeeded', leftovers: [] });
    expect([...new Set(world.begun())].sort()).toEqual([...titles].sort());
    const at = new Map(world.begun().map((title, i) => [title, i]));
    const early = lines.flatMap(({ title, after }) =>
      after.filter((line) => (at.get(lines[line]!.title) ?? -1) > (at.get(title) ?? Infinity)).map(() => title),
    );
    expect(early).toEqual([]);
  }, 60_000);

  test('a step that fails for good ends it with the step’s name, and nothing that waits for it begins (report 20)', async () => {
    for (const { world, outcome, title } of await each(titles, (title) => run(name, title, 'failForGood'))) {
      const after = world.begun().filter((one) => dependents(lines, title).has(one));
      const mates = laneMates.get(title);
      if (steps.get(title)?.step.optional) expect(outcome).toMatchObject({ end: 'succeeded' });
      else if (mates && [...laneMates.values()].some((lane) => lane !== mates)) {
        // The other machines stay; what the failed one had begun is undone.
        expect(outcome).toMatchObject({ end: 'succeeded', warning: `${title}: it is broken`, leftovers: [] });
        const undoable = [...mates].filter(
          (one) => world.begun().includes(one) && steps.get(one)?.step.undo !== undefined,
        );
        expect([...new Set(world.undone())].sort()).toEqual(undoable.sort());
      } else {
        expect(outcome).toMatchObject({
          end: 'failed',
          fault: 'NodeRefused',
          reason: expect.stringContaining(`${title}: it is broken`),
        });
        expect(outcome.rest).toBe(steps.get(title)?.step.rest);
        expect(after).toEqual([]);
      }
    }
  }, 300_000);

  test('a step that fails twice is tried again, and it succeeds (report 21)', async () => {
    for (const { world, outcome, title } of await each(titles, (title) => run(name, title, 'failTwice'))) {
      expect(outcome).toMatchObject({ end: 'succeeded' });
      expect(world.calls.filter((call) => call.title === title && !call.undo).length).toBeGreaterThanOrEqual(3);
    }
  }, 300_000);

  test('a cancel while a step runs undoes what was begun and does not stand, nothing before what stood on it', async () => {
    if (CASES[name]!.kind === 'delete') return;
    for (const { world, outcome, title } of await each(titles, (title) => run(name, title, 'hang', true))) {
      expect(outcome).toMatchObject({ end: 'cancelled', fault: 'Cancelled', leftovers: [] });
      const undone = world.undone();
      expect(undone.filter((one) => !world.begun().includes(one))).toEqual([]);
      const { step, lane } = steps.get(title)!;
      if (step.undo) expect(undone).toContain(title);
      // From a point of no return on, the lane's earlier work stands.
      if (step.noReturn) expect(undone.filter((one) => isIn(lines, one, lane.slice(0, -1)))).toEqual([]);
      undone.forEach((one, i) => {
        const waits = dependents(lines, one);
        expect(undone.slice(i + 1).filter((later) => waits.has(later))).toEqual([]);
      });
    }
  }, 300_000);
});
