import { ApplicationFailure } from '@temporalio/common';
import { COMPONENT, writeDetail } from '../db/clusters.js';
import type { Db } from '../db/knex.js';

/** Leaves why a component is not there as its health; a cancelled try says nothing about it. */
export async function noteFailure(db: Db, clusterId: string, name: string, error: unknown): Promise<void> {
  if (error instanceof ApplicationFailure)
    await writeDetail(db, clusterId, `${COMPONENT}${name}`, error.message.slice(0, 1000));
}
