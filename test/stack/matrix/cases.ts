import { ACTIONS, isOptional } from './actions.js';
import { FORMS, SHAPES } from './operations.js';

/** A kind of step of one operation, as it is the same for all nodes of a role. */
export interface Line {
  operation: string;
  /** "worker: join", "network: add forwards to worker" */
  shape: string;
  kind: string;
}
export const FAULTS = ['failForGood', 'hang', 'fail', 'loseReply', 'drop', 'killed', 'killedInside'] as const;
export type FaultKind = (typeof FAULTS)[number];
export interface Case extends Line {
  fault: FaultKind;
  then: 'resume' | 'cancel';
}
export const nameOf = ({ operation, shape, fault, then }: Case) => `${operation}: ${shape}: ${fault}, ${then}`;

export const shapeOf = (title: string) =>
  title.replace(/\b(control|worker|etcd)-\d+/g, '$1').replace(/\d+(\.\d+)*/g, 'n');

/** Faults that end the operation, unless the step is optional. */
export const isFatal = (fault: FaultKind) => fault === 'failForGood' || fault === 'hang';
/** The worker is everybody's: cases that kill it run together, and none else meanwhile. */
export const isKill = (fault: FaultKind) => fault === 'killed' || fault === 'killedInside';

/** Steps that write rows only have no connection to drop and no call to be killed in. */
const applies = (kind: string, fault: FaultKind) =>
  ACTIONS[kind] !== 'rows' || (fault !== 'drop' && fault !== 'killedInside');

/** A delete cannot be cancelled; what a step that is optional leaves out does not end its operation. */
const thens = ({ operation, kind }: Line, fault: FaultKind): Case['then'][] =>
  SHAPES[operation]!.kind === 'delete' || (isFatal(fault) && isOptional(operation, kind))
    ? ['resume']
    : ['resume', 'cancel'];

/** The whole product: each step × each fault × what is done then. */
export const allCases = (lines: readonly Line[]): Case[] =>
  lines.flatMap((line) =>
    FAULTS.filter((fault) => applies(line.kind, fault)).flatMap((fault) =>
      thens(line, fault).map((then) => ({ ...line, fault, then })),
    ),
  );

/** Numbers that look random, the same for the same seed. */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const cost = ({ operation }: Case) => {
  const { from, to } = SHAPES[operation]!;
  const nodes = ({ controls, workers }: { controls: number; workers: number }) => controls + workers;
  return Math.max(...[from, to].map((form) => (form === '' ? 0 : nodes(FORMS[form]!))));
};

/** Of the whole product a part in which each kind of step meets each fault once; which operation, and what is done then, turn with the seed. */
export function cover(cases: readonly Case[], seed: number): Case[] {
  const random = numbers(seed);
  const ranked = cases.map((one) => ({ one, rank: cost(one) + 2 * random() })).sort((a, b) => a.rank - b.rank);
  const found = new Map<string, Case>();
  for (const { one } of ranked) {
    const pair = `${one.kind} ${one.fault}`;
    if (!found.has(pair)) found.set(pair, one);
  }
  return [...found.values()];
}
