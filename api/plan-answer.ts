import { createHash } from 'node:crypto';
import { layOut, type Item } from '../workflows/engine/step.js';
import { fault } from '../workflows/model/fault.js';
import { bare, type Answer } from './command.js';

/** The plan of an operation: the same list that its run would have, and a hash of it. Starts and reserves nothing. */
export function planOf(items: readonly Item<never>[], warnings: readonly string[] = []) {
  const { lines } = layOut(items);
  const hash = createHash('sha256').update(JSON.stringify(lines)).digest('hex');
  const children = (parent: number | null): object[] =>
    lines
      .filter((line) => line.parent === parent)
      .map(({ line, title, skip, kind }) => ({
        title,
        ...(skip !== null && { skip }),
        ...(kind === 'group' && { steps: children(line) }),
      }));
  return { hash, ...(warnings.length > 0 && { warnings }), steps: children(null) };
}

export const PLAN_PARAMS_TEXT = {
  dryrun: 'true: answer with the plan at once; nothing is started or reserved',
  planhash: 'the hash of the plan that was agreed to: the command is refused when the plan is another by now',
};

/** The answer to `dryrun=true`; undefined when the command is to run. Throws when the world no longer fits the agreed plan. */
export function planAnswer(
  items: readonly Item<never>[],
  { dryrun, planhash }: { dryrun?: boolean | undefined; planhash?: string | undefined },
  warnings: readonly string[] = [],
): Answer | undefined {
  if (!dryrun && planhash === undefined) return undefined;
  const plan = planOf(items, warnings);
  if (dryrun) return bare({ plan });
  if (plan.hash !== planhash)
    throw fault(
      'Refused',
      `The plan has changed: planhash is ${planhash}, the plan is now ${plan.hash}; look at it with dryrun=true`,
    );
  return undefined;
}
