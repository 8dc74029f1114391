import type { Db } from './knex.js';
import { readPage, type Listed, type Page } from './matching.js';
import { joinOwner, whereOwned, type Owners } from './owners.js';
import type { OperationRow, StepRow } from './rows.js';

export interface OperationFilter {
  owners: Owners;
  clusterId?: string;
  id?: string;
  state?: string;
}

/** Operations on the clusters of `owners`, newest first. */
export async function listOperations(
  db: Db,
  { owners, clusterId, id, state }: OperationFilter,
  page: Page,
): Promise<Listed<OperationRow>> {
  const query = whereOwned(
    joinOwner(db('operation as o').join('kubernetes_cluster as c', 'c.uuid', 'o.cluster_id'), 'c.account_id'),
    owners,
  );
  if (clusterId !== undefined) void query.where('o.cluster_id', clusterId);
  if (id !== undefined) void query.where('o.uuid', id);
  if (state !== undefined) void query.where('o.state', state);
  return readPage<OperationRow>(query, ['o.*'], 'o.id', page, 'desc');
}

export const readSteps = (db: Db, operationIds: string[]): Promise<StepRow[]> =>
  Promise.resolve(
    db<StepRow>('operation_step').whereIn('operation_id', operationIds).orderBy(['operation_id', 'line']),
  );

/** Median seconds that the newest steps of each kind took. */
export async function usualSeconds(db: Db, kinds: string[]): Promise<Map<string, number>> {
  const usual = new Map<string, number>();
  for (const kind of kinds) {
    const rows = await db<StepRow>('operation_step')
      .where({ kind, state: 'done' })
      .whereNotNull('seconds')
      .orderBy('ended', 'desc')
      .limit(20)
      .select('seconds');
    const seconds = rows.map((row) => Number(row.seconds)).sort((a, b) => a - b);
    const median = seconds[Math.floor(seconds.length / 2)];
    if (median !== undefined) usual.set(kind, median);
  }
  return usual;
}
