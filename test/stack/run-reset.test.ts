import { randomUUID } from 'node:crypto';
import { workflowIdOf } from '../../workflows/model/operation.js';
import { doneTwice, expectHealthy } from './facts.js';
import { describeStack, type Stack } from './stack.js';

const OK = { jobstatus: 1, jobresultcode: 0 };
/** `EVENT_TYPE_WORKFLOW_TASK_COMPLETED` of the protocol. */
const WORKFLOW_TASK_COMPLETED = 7;

/** Resets the run of an operation, as an operator does in the Temporal Web UI, to one of its workflow tasks. */
async function reset(stack: Stack, operationId: string, at: 'first' | 'last'): Promise<void> {
  const { workflow, workflowService } = await stack.client();
  const workflowExecution = { workflowId: workflowIdOf(operationId) };
  const { events } = await workflow.getHandle(workflowExecution.workflowId).fetchHistory();
  const tasks = (events ?? []).filter(({ eventType }) => Number(eventType) === WORKFLOW_TASK_COMPLETED);
  await workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution,
    reason: 'a test',
    workflowTaskFinishEventId: tasks.at(at === 'first' ? 0 : -1)!.eventId!,
    requestId: randomUUID(),
  });
}

describeStack('a running operation is reset in Temporal', {}, (scenario) => {
  for (const at of ['last', 'first'] as const)
    scenario(
      `to its ${at} workflow task: it ends as failed, and a resume finishes without doing anything twice`,
      async (stack) => {
        const { id, jobid: created } = await stack.create(1, 1);
        expect(await stack.jobEnd(created)).toMatchObject(OK);
        const before = (await stack.effects()).length;
        const { id: fault } = await stack.breaks({ on: 'hypervisor', match: 'domain.start', kind: 'hang', times: 1 });
        const { jobid } = await stack.call('scaleKubernetesCluster', { id, size: '2' });
        await stack.stepIs(id, /worker-2: start/, 'running');
        await reset(stack, stack.operation(id).uuid, at);
        expect(await stack.jobEnd(String(jobid))).toMatchObject({ jobstatus: 2, jobresultcode: 530 });
        await stack.heals(fault);
        expect(stack.cluster(id).state).toBe('Alert');
        // The first task is before the claim: that run ends at once, and the scan finds it gone.
        expect(stack.operation(id)).toMatchObject({
          state: 'failed',
          reason: expect.stringMatching(at === 'last' ? /was reset.*resume/ : /terminated or lost.*resume/),
        });
        expect(await stack.run('resumeKubernetesClusterOperation', { kubernetesclusterid: id })).toMatchObject(OK);
        await expectHealthy(stack, id, 1, 2);
        expect(doneTwice((await stack.effects()).slice(before))).toEqual([]);
      },
      120,
    );
});
