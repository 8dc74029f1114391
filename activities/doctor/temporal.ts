import { ScheduleNotFoundError } from '@temporalio/client';
import { millis, nowPlus } from '../../db/knex.js';
import type { OperationRow } from '../../db/rows.js';
import { isRunOpen } from '../../workflows/client.js';
import { textOf } from '../../workflows/model/fault.js';
import { TASK_QUEUE } from '../../workflows/model/operation.js';
import { scanActivities } from '../scan.js';
import { ensureSchedules, scheduleIds } from '../schedules.js';
import type { Deps } from '../deps.js';
import type { Check, Finding } from './finding.js';

/** Seconds that an operation may be without its run: it is being started. */
const GRACE = 60;
const WORKFLOW_QUEUE = 1;

/** Temporal, its schedules and the workers, then operations without a run and runs without an operation. */
export const temporal: Check = {
  name: 'Temporal',
  async look(deps) {
    const { temporal: client } = deps;
    try {
      await client.workflowService.describeNamespace({ namespace: client.options.namespace });
    } catch (error) {
      return [
        {
          what: `Temporal does not answer, or has no namespace ${client.options.namespace}: ${textOf(error)}`,
          todo: 'start it, or correct TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE; operations go on by themselves then',
        },
      ];
    }
    const found = await Promise.all([workers(deps), schedules(deps), lostRuns(deps), strayRuns(deps)]);
    return found.flat();
  },
};

async function workers({ temporal: client }: Deps): Promise<Finding[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: TASK_QUEUE },
    taskQueueType: WORKFLOW_QUEUE,
  });
  if (pollers && pollers.length > 0) return [];
  return [{ what: `no worker has asked for work on task queue ${TASK_QUEUE} in the last minutes`, todo: 'start a worker: npm run worker' }]; // prettier-ignore
}

async function schedules({ temporal: client, db }: Deps): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const id of await scheduleIds(db))
    try {
      if ((await client.schedule.getHandle(id).describe()).state.paused)
        found.push({
          what: `schedule ${id} is paused`,
          todo: `temporal schedule toggle --unpause --schedule-id ${id}`,
        });
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
      found.push({
        what: `schedule ${id} is not there`,
        todo: 'a running worker makes it within 10 s; --fix makes it now',
        fix: () => ensureSchedules(client, db),
      });
    }
  return found;
}

async function lostRuns(deps: Deps): Promise<Finding[]> {
  const { db, temporal: client } = deps;
  const open = await db<OperationRow>('operation')
    .whereNull('ended')
    .where('created', '<', nowPlus(db, -GRACE))
    .orderBy('id');
  const found: Finding[] = [];
  for (const { uuid, kind, cluster_id, state } of open)
    if (!(await isRunOpen(client, uuid)))
      found.push({
        what: `operation ${uuid} (${kind} of cluster ${cluster_id}) is ${state}, and its run is not there`,
        todo: 'the scan settles it where a worker runs; --fix does what the scan does, then resumeKubernetesClusterOperation',
        fix: () => scanActivities(deps).settleOperations(),
      });
  return found;
}

/** Runs of operations that ended or that this database does not know. */
async function strayRuns({ db, temporal: client }: Deps): Promise<Finding[]> {
  const found: Finding[] = [];
  for await (const run of client.workflow.list({ query: "ExecutionStatus = 'Running' AND WorkflowId STARTS_WITH 'op-'" })) {
    const operation = await db<OperationRow>('operation').where({ uuid: run.workflowId.slice(3) }).first('ended');
    const end = async (reason: string) =>
      void (await client.workflow.getHandle(run.workflowId, run.runId).terminate(reason));
    if (!operation)
      found.push({
        what: `run ${run.workflowId} (${run.type}) has no operation in this database`,
        todo: `two services in one namespace? Else: temporal workflow terminate --workflow-id ${run.workflowId}`,
      });
    else if (operation.ended !== null && Date.now() - millis(operation.ended) > GRACE * 1000)
      found.push({
        what: `run ${run.workflowId} (${run.type}) goes on, and its operation has ended`,
        todo: '--fix terminates it: nothing that it does would be accepted',
        fix: () => end('its operation has ended (doctor)'),
      });
  } // prettier-ignore
  return found;
}
