import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { TASK_QUEUE } from '../workflows/model/operation.js';
import { textOf } from '../workflows/model/fault.js';

const SCAN = 'cks-scan-operations';

async function ensureScan(client: Client): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: SCAN,
      spec: { intervals: [{ every: '5s' }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10s' },
      action: {
        type: 'startWorkflow',
        workflowType: 'scanOperations',
        args: [],
        taskQueue: TASK_QUEUE,
        workflowId: SCAN,
        workflowTaskTimeout: '5s',
        workflowRunTimeout: '2m',
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}

/** Sees to it that the schedules exist, again and again: they vanish with Temporal's store. Returns how to stop. */
export function keepSchedules(client: Client, log: Logger): () => void {
  let failing = false;
  const look = () =>
    void ensureScan(client).then(
      () => (failing = false),
      (error: unknown) => {
        if (!failing) log.warn({ error: textOf(error) }, 'cannot ensure the schedules; will go on trying');
        failing = true;
      },
    );
  look();
  const timer = setInterval(look, 10_000);
  return () => clearInterval(timer);
}
