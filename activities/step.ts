import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { AsyncLocalStorage } from 'node:async_hooks';
import { Context } from '@temporalio/activity';
import type { Knex } from 'knex';
import { engineOf, now, type Db } from '../db/knex.js';
import { assertHolds } from '../db/operations.js';
import { fault, textOf } from '../workflows/model/fault.js';
import type { StepRef } from '../workflows/model/operation.js';
import { beating } from './beating.js';
import type { Undo } from './left-behind.js';
import { afterwards } from './within.js';

/** How the step that is being worked on proves that its operation still holds the cluster. */
const step = new AsyncLocalStorage<() => Promise<void>>();

/** How long a worker that was cut off takes away what it made. */
const UNDO_MS = 60_000;

/**
 * The same driver, each of its calls refused once the operation of the calling step has ended: a worker that was stopped in the
 * middle of a step, and goes on after another took over, must not make what has been deleted meanwhile. Where it was stopped between that
 * look and the call, a second look after the call finds it, and `undo` takes away what is nobody's.
 */
export function fenced<T extends object>(driver: T, undo: Undo<T>): T {
  return new Proxy(driver, {
    get(target, name): unknown {
      const call: unknown = Reflect.get(target, name);
      if (typeof call !== 'function') return call;
      const takeAway = undo[name as keyof T];
      return async (...args: unknown[]): Promise<unknown> => {
        const holds = step.getStore();
        await holds?.();
        if (!holds || !takeAway) return Reflect.apply(call, target, args);
        try {
          return await Reflect.apply(call, target, args);
        } finally {
          await holds().catch(async (error: unknown) => {
            await afterwards(UNDO_MS, () => takeAway(driver, ...args));
            throw error;
          });
        }
      };
    },
  });
}

/**
 * The body of an activity that belongs to no step of a cluster's operation: fenced by `holds` as steps are by their operation,
 * heartbeating while it runs, and what it throws is a fault of the table.
 */
export async function guarded<T>(holds: () => Promise<void>, body: () => Promise<T>): Promise<T> {
  const { cancellationSignal } = Context.current();
  return beating(async () => {
    try {
      await holds();
      return await step.run(holds, body);
    } catch (error) {
      throw asFault(error, cancellationSignal.aborted);
    }
  });
}

type StepActivity = (ref: StepRef, ...args: never[]) => Promise<unknown>;

/**
 * Wraps the activities of a group: each begins by proving that its operation still holds the cluster and by marking its line,
 * heartbeats while it runs, and ends by writing how it went. What it throws is a fault of the table.
 */
export function asSteps<G extends Record<string, StepActivity>>(db: Knex, group: G): G {
  const wrapped = Object.entries(group).map(([name, activity]) => [
    name,
    (ref: StepRef, ...args: never[]) => onLine(db, ref, () => activity(ref, ...args)),
  ]);
  return Object.fromEntries(wrapped) as G;
}

async function onLine<T>(db: Knex, ref: StepRef, body: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const { runId } = context.info.workflowExecution!;
  await begin(db, ref, runId).catch((error: unknown) => {
    throw asFault(error, context.cancellationSignal.aborted);
  });
  return beating(async () => {
    try {
      const result = await step.run(() => assertHolds(db, ref.operationId, runId), body);
      await end(db, ref);
      return result;
    } catch (error) {
      const failure = asFault(error, context.cancellationSignal.aborted);
      // What was seen last says more than that it was stopped.
      if (!(failure instanceof CancelledFailure)) await note(db, ref, failure.message).catch(() => undefined);
      throw failure;
    }
  });
}

const HELD = 'EXISTS (SELECT 1 FROM operation WHERE uuid = ? AND active_cluster_id IS NOT NULL AND ended IS NULL';

/** One row update as plain SQL: every step writes two, and building them anew cost as much as running them. Returns how many. */
async function update(db: Knex, sql: string, values: readonly (string | number | null)[]): Promise<number> {
  const done: unknown = await db.raw(sql, values as string[]);
  return engineOf(db) === 'mysql'
    ? (done as [{ affectedRows: number }])[0].affectedRows
    : (done as { changes: number }).changes;
}

/** One statement: the line is marked only if the operation holds its cluster. */
async function begin(db: Knex, { operationId, line, undo }: StepRef, runId: string): Promise<void> {
  const marked = await update(
    db,
    `UPDATE operation_step SET state = ?, began = COALESCE(began, ${now(db).toQuery()}), attempts = attempts + 1
     WHERE operation_id = ? AND line = ? AND ${HELD} AND run_id = ?)`,
    [undo ? 'undoing' : 'running', operationId, line, operationId, runId],
  );
  if (marked === 1) return;
  await assertHolds(db, operationId, runId);
  throw fault('Internal', `operation ${operationId} has no line ${line}`);
}

const sinceBegan = (db: Db) =>
  engineOf(db) === 'mysql'
    ? 'TIMESTAMPDIFF(MICROSECOND, began, UTC_TIMESTAMP(3)) / 1000000'
    : `(julianday('now') - julianday(began)) * 86400`;

async function end(db: Knex, { operationId, line, undo }: StepRef): Promise<void> {
  const took = undo ? '' : `, seconds = ${sinceBegan(db)}`;
  await update(
    db,
    `UPDATE operation_step SET state = ?, note = NULL, ended = ${now(db).toQuery()}${took}
     WHERE operation_id = ? AND line = ? AND ${HELD})`,
    [undo ? 'undone' : 'done', operationId, line, operationId],
  );
}

async function note(db: Knex, { operationId, line }: StepRef, text: string): Promise<void> {
  await update(db, `UPDATE operation_step SET note = ? WHERE operation_id = ? AND line = ? AND ${HELD})`, [
    text.slice(0, 2000),
    operationId,
    line,
    operationId,
  ]);
}

const LATER = new Set(['PROTOCOL_CONNECTION_LOST', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE']);

function asFault(error: unknown, cancelled: boolean): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (cancelled) return new CancelledFailure(textOf(error));
  const code = String((error as { code?: unknown }).code);
  // The text of a database error is the whole statement with its values: only its code is shown.
  if (/^(SQLITE|ER)_/.test(code)) return fault('DatabaseFailed', `the service database answered ${code}`);
  return ApplicationFailure.create({ type: 'Internal', message: textOf(error), nonRetryable: !LATER.has(code) });
}
