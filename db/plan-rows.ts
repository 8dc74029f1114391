import type { Knex } from 'knex';
import type { PlanLine } from '../workflows/model/plan.js';
import { transact } from './knex.js';
import type { StepRow } from './rows.js';

/**
 * Stores the list as `operation_step` rows; again with the same lines changes nothing. A run that goes on in a new history reads facts of its
 * own, so that its list may lack what the run before ended (nodes that are gone): rows then follow their titles to their new lines, and
 * those of steps that began and are not in the list any more stand after it. A cancel knows by them what there is to undo.
 */
export async function recordPlan(db: Knex, operationId: string, lines: readonly PlanLine[]): Promise<void> {
  const planned = lines.map((line) => rowOf(operationId, line));
  await transact(db, async (trx) => {
    const before = await trx<StepRow>('operation_step').where({ operation_id: operationId }).orderBy('line');
    const isSame = before.every(({ line, title }) => planned[line]?.title === title);
    if (isSame && before.length === planned.length) return;
    await trx('operation_step').where({ operation_id: operationId }).delete();
    await trx.batchInsert('operation_step', before.length === 0 ? planned : followed(planned, before), 60);
  });
}

const rowOf = (operationId: string, { line, parent, title, kind, skip, after }: PlanLine): StepRow => ({
  operation_id: operationId, line, parent, title: title.slice(0, 250), kind, skip: skip?.slice(0, 250) ?? null, after_lines: JSON.stringify(after),
  state: skip === null ? 'pending' : 'skipped', attempts: 0, began: null, ended: null, seconds: null, note: null,
}); // prettier-ignore

/** The planned rows with what is known of their titles, and the rows that began and are not planned any more. */
function followed(planned: readonly StepRow[], before: readonly StepRow[]): StepRow[] {
  const begun = new Map(before.filter(({ began }) => began !== null).map((row) => [row.title, row]));
  const rows = planned.map((row) => {
    const known = begun.get(row.title);
    begun.delete(row.title);
    return known ? { ...known, line: row.line, parent: row.parent, after_lines: row.after_lines } : row;
  });
  const gone = [...begun.values()].map((row, i) => ({
    ...row,
    line: rows.length + i,
    parent: null,
    after_lines: '[]',
  }));
  return [...rows, ...gone];
}
