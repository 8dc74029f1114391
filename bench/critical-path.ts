import type { Knex } from 'knex';
import { millis } from '../db/knex.js';

interface Span {
  kind: string;
  began: number;
  ended: number;
}

const latest = (spans: readonly Span[]) =>
  spans.reduce<Span | undefined>((last, one) => (last && last.ended >= one.ended ? last : one), undefined);

/**
 * Where an operation's time went: from the step that ended last back to the first, each time to the one that ended last before it began. By
 * kind of step its seconds and how many there were, then what passed between them.
 */
export async function criticalPath(db: Knex, jobId: string): Promise<string> {
  const rows = await db('operation_step as s')
    .join('operation as o', 'o.uuid', 's.operation_id')
    .where({ 'o.job_id': jobId, 's.state': 'done' })
    .select<{ kind: string; began: string; ended: string }[]>('s.kind', 's.began', 's.ended');
  const spans = rows.map(({ kind, began, ended }) => ({ kind, began: millis(began), ended: millis(ended) }));
  const kinds = new Map<string, { ms: number; count: number }>();
  let between = 0;
  for (let at = latest(spans); at;) {
    const { kind, began, ended } = at;
    const sum = kinds.get(kind) ?? { ms: 0, count: 0 };
    kinds.set(kind, { ms: sum.ms + ended - began, count: sum.count + 1 });
    const before = latest(spans.filter((one) => one !== at && one.ended <= began));
    if (before) between += began - before.ended;
    at = before;
  }
  const parts = [...kinds].reverse().map(([kind, { ms, count }]) => `${kind} ${(ms / 1000).toFixed(2)} (${count})`);
  return `  took: ${parts.join(', ')}; between steps ${(between / 1000).toFixed(2)}`;
}
