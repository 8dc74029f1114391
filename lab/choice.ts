import type { LabCase } from './cases/case.js';

/** A machine may be this much slower than the one on which a case ran the last time. */
const SLOWER = 1.5;

const NO_TIME = 'there is no time for it';

/** What decides which cases beside the core CI runs. */
export interface Room {
  /** For the core and the others together. */
  seconds: number;
  /** Seconds that a case took to pass the last time. */
  took: (one: LabCase) => number | undefined;
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
  let free = seconds - cases.reduce((sum, one) => sum + (one.core ? (took(one) ?? 0) * SLOWER : 0), 0);
  const whys = new Map<string, string[]>();
  const chosen = cases.filter((one) => {
    if (one.core) return true;
    const needed = (took(one) ?? NaN) * SLOWER;
    const why = lacks(one) ?? (Number.isNaN(needed) ? 'how long it takes is not known' : needed > free ? NO_TIME : undefined); // prettier-ignore
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
