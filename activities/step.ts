import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { AsyncLocalStorage } from 'node:async_hooks';
import { Context } from '@temporalio/activity';
import type { Knex } from 'knex';
import { now, nowPlus, type Db } from '../db/knex.js';
import { assertHolds } from '../db/operations.js';
import { fault, textOf } from '../workflows/model/fault.js';
import type { StepRef } from '../workflows/model/operation.js';

const HEARTBEAT_MS = 1500;

/** How the step that is being worked on proves that its operation still holds the cluster. */
const step = new AsyncLocalStorage<() => Promise<void>>();

/**
 * The same driver, each of its calls refused once the operation of the calling step has ended: a worker that was stopped in the
 * middle of a step, and goes on after another took over, must not make what has been deleted meanwhile.
 */
export function fenced<T extends object>(driver: T): T {
  return new Proxy(driver, {
    get(target, name): unknown {
      const call: unknown = Reflect.get(target, name);
      if (typeof call !== 'function') return call;
      return async (...args: unknown[]): Promise<unknown> => {
        await step.getStore()?.();
        return Reflect.apply(call, target, args);
      };
    },
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
  await begin(db, ref);
  const beat = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  try {
    const result = await step.run(() => assertHolds(db, ref.operationId), body);
    await end(db, ref, ref.undo ? 'undone' : 'done', null);
    return result;
  } catch (error) {
    const failure = asFault(error, context.cancellationSignal.aborted);
    await note(db, ref, failure.message).catch(() => undefined);
    throw failure;
  } finally {
    clearInterval(beat);
  }
}

const HELD = 'EXISTS (SELECT 1 FROM operation WHERE uuid = ? AND active_cluster_id IS NOT NULL AND ended IS NULL)';

/** One statement: the line is marked only if the operation holds its cluster. */
async function begin(db: Knex, { operationId, line, undo }: StepRef): Promise<void> {
  const marked = await db('operation_step')
    .where({ operation_id: operationId, line })
    .whereRaw(HELD, [operationId])
    .update({
      state: undo ? 'undoing' : 'running',
      began: db.raw('COALESCE(began, ?)', [now(db)]),
      attempts: db.raw('attempts + 1'),
    });
  if (marked !== 1) throw fault('NotHolder', `operation ${operationId} has ended: this worker was cut off`);
}

const seconds = (db: Db) =>
  String(db.client.config.client) === 'mysql2'
    ? db.raw('TIMESTAMPDIFF(MICROSECOND, began, UTC_TIMESTAMP(3)) / 1000000')
    : db.raw(`(julianday('now') - julianday(began)) * 86400`);

async function end(db: Knex, { operationId, line, undo }: StepRef, state: string, text: string | null): Promise<void> {
  await db('operation_step')
    .where({ operation_id: operationId, line })
    .whereRaw(HELD, [operationId])
    .update({ state, note: text, ended: nowPlus(db, 0), ...(undo ? {} : { seconds: seconds(db) }) });
}

async function note(db: Knex, { operationId, line }: StepRef, text: string): Promise<void> {
  await db('operation_step')
    .where({ operation_id: operationId, line })
    .whereRaw(HELD, [operationId])
    .update({ note: text.slice(0, 2000) });
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
