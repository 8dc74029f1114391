import type { LabCase } from './cases/case.js';

/** A machine may be this much slower than the one on which a case ran the last time. */
const SLOWER = 1.5;

/** What decides which cases beside the core CI runs. */
export interface Room {
  /** For the core and the others together. */
  seconds: number;
  /** Seconds that a case took when it ran the last time; 0 when it never did. */
  took: (one: LabCase) => number;
  /** What the machine lacks for a case. */
  lacks: (one: LabCase) => string | undefined;
}

/**
 * What CI runs: the core always, and of the others, in their order, those that the machine can run and that end in time. `left` says in one
 * line which are left out, and why.
 */
export function chooseForCi(
  cases: readonly LabCase[],
  { seconds, took, lacks }: Room,
): { chosen: LabCase[]; left: string } {
  let free = seconds - cases.reduce((sum, one) => sum + (one.core ? took(one) * SLOWER : 0), 0);
  const whys = new Map<string, string[]>();
  const chosen = cases.filter((one) => {
    if (one.core) return true;
    const needed = took(one) * SLOWER;
    const why = lacks(one) ?? (needed === 0 || needed > free ? 'there is no time for it' : undefined);
    if (why === undefined) free -= needed;
    else whys.set(why, [...(whys.get(why) ?? []), one.name]);
    return why === undefined;
  });
  return {
    chosen,
    left:
      [...whys].map(([why, names]) => `left out, since ${why}: ${names.join(' | ')}`).join('; ') || 'nothing left out',
  };
}
