import { randomOf } from '../../../lab/random.js';
import { ACTIONS, isOptional } from './actions.js';
import { FORMS, SHAPES } from './operations.js';

/** A kind of step of one operation, as it is the same for all nodes of a role. */
export interface Line {
  operation: string;
  /** "worker: join", "network: add forwards to worker" */
  shape: string;
  kind: string;
  /** Which of the steps of this shape, from 0: a further one where it is of another kind than the first. */
  nth: number;
}
export const FAULTS = ['failForGood', 'hang', 'fail', 'loseReply', 'drop', 'killed', 'killedInside'] as const;
export type FaultKind = (typeof FAULTS)[number];
export interface Case extends Line {
  fault: FaultKind;
  then: 'resume' | 'cancel';
}
/** "add nodes: worker: join", with "(2)" behind it for the second of its shape. */
export const stepOf = ({ operation, shape, nth }: Line) => `${operation}: ${shape}${nth > 0 ? ` (${nth + 1})` : ''}`;
export const nameOf = (one: Case) => `${stepOf(one)}: ${one.fault}, ${one.then}`;

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

const cost = ({ operation }: Case) => {
  const { from, to } = SHAPES[operation]!;
  const nodes = ({ controls, workers }: { controls: number; workers: number }) => controls + workers;
  return Math.max(...[from, to].map((form) => (form === '' ? 0 : nodes(FORMS[form]!))));
};

const pairOf = ({ kind, fault }: Case) => `${kind} ${fault}`;

/**
 * One case for each value of `of`. Of those with the same value the one is taken whose kind of step has met its fault least often so
 * far, then the one whose fault and end were taken least often: so faults spread over the steps. The seed decides the rest.
 */
function spread(cases: readonly Case[], of: (one: Case) => string, seed: number): Case[] {
  const random = randomOf(seed);
  const byValue = new Map<string, Case[]>();
  for (const one of cases) byValue.set(of(one), [...(byValue.get(of(one)) ?? []), one]);
  const taken = new Map<string, number>();
  const keys = (one: Case) => [pairOf(one), `${pairOf(one)} ${one.then}`, `${one.fault} ${one.then}`];
  const found: Case[] = [];
  for (const some of byValue.values()) {
    const ranked = some.map((one) => ({ one, rank: [...keys(one).map((key) => taken.get(key) ?? 0), random()] }));
    ranked.sort((a, b) => a.rank.map((rank, i) => rank - b.rank[i]!).find((difference) => difference !== 0) ?? 0);
    const { one } = ranked[0]!;
    found.push(one);
    for (const key of keys(one)) taken.set(key, (taken.get(key) ?? 0) + 1);
  }
  return found;
}

/** Each step of each operation, broken once. */
export const everyStep = (cases: readonly Case[], seed: number): Case[] => spread(cases, stepOf, seed);

/**
 * Each step of each operation, once resumed and once cancelled, and beyond that each kind of step with each fault, on the smallest cluster
 * that has it.
 */
export function cover(cases: readonly Case[], seed: number): Case[] {
  const found = spread(cases, (one) => `${stepOf(one)}: ${one.then}`, seed);
  const met = new Set(found.map(pairOf));
  for (const one of [...cases].sort((a, b) => cost(a) - cost(b)))
    if (!met.has(pairOf(one))) {
      met.add(pairOf(one));
      found.push(one);
    }
  return found;
}
