import type { Knex } from 'knex';
import { now, type Db } from './knex.js';

/** What a node said about itself, by subject: units, last log lines, cloud-init, disk, images, clock. */
export type EvidenceFacts = Record<string, string>;
export interface EvidenceRow {
  operation_id: string;
  node: string;
  /** JSON of `EvidenceFacts`. */
  facts: string;
  taken: string;
}

export async function keepEvidence(db: Knex, operationId: string, node: string, facts: EvidenceFacts): Promise<void> {
  await db('operation_evidence')
    .insert({ operation_id: operationId, node, facts: JSON.stringify(facts), taken: now(db) })
    .onConflict(['operation_id', 'node'])
    .merge(['facts', 'taken']);
}

export const readEvidence = (db: Db, operationIds: string[]): Promise<EvidenceRow[]> =>
  operationIds.length === 0
    ? Promise.resolve([])
    : Promise.resolve(
        db<EvidenceRow>('operation_evidence')
          .whereIn('operation_id', operationIds)
          .orderBy('node')
          .select('operation_id', 'node', 'facts', 'taken'),
      );
