import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { StepRef, WorkerMetrics } from './worker.js';

const isStepRef = (value: unknown): value is StepRef =>
  typeof value === 'object' && value !== null && 'operationId' in value && 'line' in value;

/** Measures every activity of a worker: how long it waited for one, and, where it belongs to a step, how long a try took. */
export const timedActivities =
  (metrics: WorkerMetrics): ActivityInterceptorsFactory =>
  ({ info }) => ({
    inbound: {
      async execute(input, next) {
        if (!info.isLocal)
          metrics.activityBegun(info.taskQueue, (Date.now() - info.currentAttemptScheduledTimestampMs) / 1000);
        const [ref] = input.args;
        if (!isStepRef(ref)) return next(input);
        const began = performance.now();
        const ended = (ok: boolean) => void metrics.stepEnded(ref, (performance.now() - began) / 1000, ok);
        try {
          const result = await next(input);
          ended(true);
          return result;
        } catch (error) {
          ended(false);
          throw error;
        }
      },
    },
  });
