import { ActivityCancellationType, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { StepRef } from './model/operation.js';
import type { PlanLine } from './model/plan.js';
import { onQueue, type ZoneQueue } from './model/zone-queue.js';

type Groups = Activities['steps'];
type Bound<G> = {
  [K in keyof G]: G[K] extends (ref: StepRef, ...args: infer P) => Promise<infer R>
    ? (...args: P) => Promise<R>
    : never;
};
/** The activity groups as a step calls them: without the reference to its line, which the runner adds. */
export type Act = { [N in keyof Groups]: Bound<Groups[N]> };

type AnyActivity = { executeWithOptions(options: object, args: unknown[]): Promise<unknown> };

/**
 * Short row writes of an operation's bookkeeping, in the worker that holds the run; endlessly retried, so that an operation always
 * comes to rest. They are idempotent: a lost workflow task runs them again.
 */
export const bookkeeping = proxyLocalActivities<Activities['bookkeeping']>({
  startToCloseTimeout: '10s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

/** Waits until the operation holds its cluster; heartbeats, since another operation may have to end first. */
export const claiming = proxyActivities<Activities['claiming']>({
  startToCloseTimeout: '2h',
  heartbeatTimeout: '6s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

/** Looks at the machines before a further attempt: rows may be older than the world. */
export const surveying = (queue: ZoneQueue) =>
  proxyActivities<Pick<Activities['claiming'], 'survey'>>({
    ...onQueue(queue),
    startToCloseTimeout: '2m',
    heartbeatTimeout: '30s',
    retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s', maximumAttempts: 20 },
  });

/** Looks at nodes after a failure; what cannot be had soon is left. */
export const looking = (queue: ZoneQueue | undefined) =>
  proxyActivities<Activities['evidence']>({
    ...onQueue(queue),
    scheduleToCloseTimeout: '90s',
    startToCloseTimeout: '45s',
    heartbeatTimeout: '30s',
    retry: { initialInterval: '1s', maximumAttempts: 2 },
  });

const steps = proxyActivities<Record<string, (...args: unknown[]) => Promise<unknown>>>({
  startToCloseTimeout: '1h',
  heartbeatTimeout: '6s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '15s', maximumAttempts: 20 },
});

/** A node travels as its reference, whatever facts a list of steps knows of it: histories stay small. */
const asRef = (arg: unknown): unknown =>
  Array.isArray(arg)
    ? arg.map(asRef)
    : typeof arg === 'object' && arg !== null && 'role' in arg && 'index' in arg
      ? { role: arg.role, index: arg.index }
      : arg;

/**
 * Stubs for one line: each call carries the line's reference, its title as summary for the Temporal Web UI, and its limit over
 * all attempts.
 */
export function stubsFor(clusterId: string, operationId: string, queue: ZoneQueue | undefined) {
  return (line: PlanLine, limitSeconds: number, undo: boolean): Act => {
    const ref: StepRef = { operationId, clusterId, line: line.line, undo };
    const options = {
      ...onQueue(queue),
      summary: undo ? `undo: ${line.title}` : line.title,
      scheduleToCloseTimeout: `${limitSeconds}s`,
    };
    const group = (groupName: string) =>
      new Proxy({}, {
        get: (_, name: string) => (...args: unknown[]) =>
          (steps[`${groupName}.${name}`] as unknown as AnyActivity).executeWithOptions(options, [ref, ...args.map(asRef)]),
      }); // prettier-ignore
    return new Proxy({}, { get: (_, name: string) => group(name) }) as Act;
  };
}
