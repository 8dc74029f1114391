import { textOf } from '../../workflows/model/fault.js';
import type { Deps } from '../deps.js';
import { filesOf } from './files.js';
import type { Check } from './finding.js';
import { gateways, hosts } from './hosts.js';
import { certificates, jobs, owners } from './rows.js';
import { temporal } from './temporal.js';

export interface Answer {
  check: string;
  what: string;
  todo: string;
  /** Whether `--fix` would put it right; after it: whether it did, or why not. */
  fix: 'by hand' | 'can be fixed' | 'fixed' | `failed: ${string}`;
}

/** What is looked at, in this order. */
export const checksOf = (home: string): Check[] => [
  filesOf(home),
  temporal,
  jobs,
  hosts,
  owners,
  gateways,
  certificates,
];

/** Looks at everything; with `fix`, puts right what can be put right without a loss. A check that fails is a finding itself. */
export async function examine(deps: Deps, checks: readonly Check[], fix: boolean): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const check of checks)
    try {
      for (const found of await check.look(deps)) {
        const answer: Answer = { check: check.name, what: found.what, todo: found.todo, fix: found.fix ? 'can be fixed' : 'by hand' }; // prettier-ignore
        if (fix && found.fix)
          answer.fix = await found.fix().then(
            () => 'fixed' as const,
            (error: unknown) => `failed: ${textOf(error)}` as const,
          );
        answers.push(answer);
      }
    } catch (error) {
      answers.push({ check: check.name, what: `${check.name}: could not be looked at: ${textOf(error)}`, todo: 'mend that first', fix: 'by hand' }); // prettier-ignore
    }
  return answers;
}
