import type { ClusterState } from '../model/states.js';
import type { PlanLine } from '../model/plan.js';

/** One line of an operation. See `docs/architecture.md` "An operation is a list of steps". */
export interface Step<Act> {
  /** What the user reads, in the page, the job and the plan. */
  title: string;
  /** Kind of work: steps of one kind are expected to take as long as earlier ones took. */
  kind: string;
  /** Name under which later steps can wait for this one. */
  key?: string;
  /** Keys of earlier lines that must have ended first. */
  needs?: readonly string[];
  /** Why there is nothing to do, found from facts. */
  skip?: string | false;
  /** Longest time the step may take, retries included. */
  limitSeconds: number;
  /** Only looks and waits: stopped as soon as the operation has failed. */
  wait?: boolean;
  /** How often it is tried in all when it fails for good; 1 unless said. */
  tries?: number;
  /** When it fails the operation goes on: its failure is shown on its line. */
  optional?: boolean;
  /** At most `width` steps with the same slot at one time. */
  slot?: { name: () => string; width: number };
  run(act: Act): Promise<unknown>;
  /** Safe after a half-finished run, and when called twice. */
  undo?(act: Act): Promise<unknown>;
  /** From here on, a cancel leaves this lane's earlier work standing. */
  keep?: boolean;
  /** Once this step has begun there is no way back: its lane's earlier work stands, and its own undo finishes what it began. */
  noReturn?: boolean;
  /** Resting state of the cluster when this step fails. */
  rest?: ClusterState;
}

/** Lanes that run at the same time, at most `width` of them, each from top to bottom. */
export interface Group<Act> {
  title: string;
  width?: number;
  /** A lane that fails is undone at once and the others go on; the operation fails only when all of them did. */
  isolated?: boolean;
  lanes: Item<Act>[][];
}

export type Item<Act> = Step<Act> | Group<Act>;

export interface StepEntry<Act> {
  line: number;
  after: number[];
  step: Step<Act>;
  /** Lines of the same lane up to and including this one; a group's line stands for all that is in it. */
  lane: number[];
}
export interface GroupEntry<Act> {
  line: number;
  group: Group<Act>;
  lanes: Entry<Act>[][];
}
export type Entry<Act> = StepEntry<Act> | GroupEntry<Act>;

const isGroup = <Act>(item: Item<Act>): item is Group<Act> => 'lanes' in item;

/**
 * Numbers a list depth first and resolves what waits for what. Throws when a step needs a key that no earlier line has:
 * with lanes begun in order, waiting only for earlier lines cannot end in a deadlock.
 */
export function layOut<Act>(items: readonly Item<Act>[]): { entries: Entry<Act>[]; lines: PlanLine[] } {
  const lines: PlanLine[] = [];
  const keys = new Map<string, number>();

  const lane = (
    list: readonly Item<Act>[],
    parent: number | null,
    from: number[],
  ): { entries: Entry<Act>[]; last: number[] } => {
    let last = from;
    const inLane: number[] = [];
    const entries = list.map((item): Entry<Act> => {
      const line = lines.length;
      inLane.push(line);
      if (isGroup(item)) {
        lines.push({ line, parent, title: item.title, kind: 'group', skip: null, after: last });
        const inner = item.lanes.map((steps) => lane(steps, line, last));
        if (inner.length > 0) last = [...new Set(inner.flatMap((each) => each.last))];
        return { line, group: item, lanes: inner.map((each) => each.entries) };
      }
      const needed = (item.needs ?? []).map((key) => {
        const found = keys.get(key);
        if (found === undefined) throw new Error(`"${item.title}" needs "${key}", which no earlier step has`);
        return found;
      });
      const after = [...new Set([...last, ...needed])];
      lines.push({ line, parent, title: item.title, kind: item.kind, skip: item.skip || null, after });
      if (item.key !== undefined) keys.set(item.key, line);
      last = [line];
      return { line, after, step: item, lane: [...inLane] };
    });
    return { entries, last };
  };

  return { entries: lane(items, null, []).entries, lines };
}
