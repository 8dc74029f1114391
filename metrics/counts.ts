import type { Knex } from 'knex';
import { engineOf, type Db } from '../db/knex.js';

type Numbered<K extends string> = Record<K, string> & { n: number };

/** Rows counted, for gauges. */
export interface Counts {
  operations: (Numbered<'kind' | 'state'> & { fault: string | null })[];
  open: Numbered<'kind'>[];
  clusters: Numbered<'zone' | 'state'>[];
  hosts: Numbered<'zone' | 'status'>[];
  silence: { zone: string; seconds: number }[];
  jobs: number;
}

const secondsSince = (db: Db, column: string) =>
  engineOf(db) === 'mysql'
    ? `TIMESTAMPDIFF(MICROSECOND, ${column}, UTC_TIMESTAMP(3)) / 1000000`
    : `(julianday('now') - julianday(${column})) * 86400`;

export async function readCounts(db: Knex): Promise<Counts> {
  const n = db.raw('COUNT(*) as n');
  const whole = <T extends { n: number }>(rows: T[]): T[] => rows.map((row) => ({ ...row, n: Number(row.n) }));
  const [operations, open, clusters, hosts, silence, jobs] = await Promise.all([
    db('operation').groupBy('kind', 'state', 'fault').select<Counts['operations']>('kind', 'state', 'fault', n),
    db('operation').whereNull('ended').groupBy('kind').select<Counts['open']>('kind', n),
    db('kubernetes_cluster as c')
      .join('data_center as z', 'z.uuid', 'c.zone_id')
      .whereNull('c.removed')
      .groupBy('z.name', 'c.state')
      .select<Counts['clusters']>('z.name as zone', 'c.state', n),
    db('host as h')
      .join('data_center as z', 'z.uuid', 'h.data_center_id')
      .whereNull('h.removed')
      .groupBy('z.name', 'h.status')
      .select<Counts['hosts']>('z.name as zone', 'h.status', n),
    db('host as h')
      .join('data_center as z', 'z.uuid', 'h.data_center_id')
      .whereNull('h.removed')
      .groupBy('z.name')
      .select<Counts['silence']>(
        'z.name as zone',
        db.raw(`MAX(${secondsSince(db, 'COALESCE(h.last_pinged, h.created)')}) as seconds`),
      ),
    db('async_job').where({ job_status: 0 }).count<{ n: number }[]>({ n: '*' }),
  ]);
  return {
    operations: whole(operations),
    open: whole(open),
    clusters: whole(clusters),
    hosts: whole(hosts),
    silence: silence.map(({ zone, seconds }) => ({ zone, seconds: Number(seconds) })),
    jobs: Number(jobs[0]?.n ?? 0),
  };
}

/** Line of an operation's list → its kind. */
export async function readStepKinds(db: Knex, operationId: string): Promise<Map<number, string>> {
  const rows = await db('operation_step')
    .where({ operation_id: operationId })
    .select<{ line: number; kind: string }[]>('line', 'kind');
  return new Map(rows.map(({ line, kind }) => [line, kind]));
}
