import { transact } from '../db/knex.js';
import { queueOperation, readOperation, type NewOperation, type Queued } from '../db/operations.js';
import { readRun } from '../db/runs.js';
import { signalStop, startRun } from '../workflows/client.js';
import { textOf } from '../workflows/model/fault.js';
import type { Context } from './command.js';

/**
 * Starts the run of a queued operation. A failure here loses nothing: the operation is in the database, and the scan starts
 * what has no run; so the caller gets his job either way.
 */
export async function startQueued(ctx: Context, { operationId, refused, heldBy }: Queued): Promise<void> {
  const { db, temporal, log } = ctx;
  if (!temporal || refused) return;
  try {
    const operation = await readOperation(db, operationId);
    const run = operation && (await readRun(db, operation));
    if (run) await startRun(temporal, run);
    if (heldBy) await signalStop(temporal, heldBy.uuid, 'supersede');
  } catch (error) {
    log.warn({ operation: operationId, error: textOf(error) }, 'Temporal did not take the run; the scan will start it');
  }
}

/** Writes operation and job in one transaction, then starts the run. */
export async function submit(ctx: Context, wanted: Omit<NewOperation, 'caller'>): Promise<Queued> {
  const caller = { accountId: ctx.caller.account.uuid, userId: ctx.caller.user.uuid };
  const queued = await transact(ctx.db, (trx) => queueOperation(trx, { ...wanted, caller }));
  await startQueued(ctx, queued);
  return queued;
}
