import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { fault } from '../../workflows/model/fault.js';
import {
  networkWorkflowIdOf,
  type NetworkChangeInput,
  type NetworkOutcome,
} from '../../workflows/model/network-change.js';
import { TASK_QUEUE } from '../../workflows/model/operation.js';
import { hang } from '../fakes/operation-world.js';
import { TemporalFixture } from '../fakes/temporal.js';

let temporal: TemporalFixture;
beforeAll(async () => {
  temporal = await TemporalFixture.start();
}, 120_000);
afterAll(() => temporal.stop());

/** Runs one change; `apply` plays the gateway, by the number of its calls before. */
async function run(
  apply: (calls: number) => void | Promise<void>,
): Promise<{ log: string[]; outcome: NetworkOutcome }> {
  const log: string[] = [];
  let calls = 0;
  const input: NetworkChangeInput = { jobId: randomUUID(), networkId: 'n', vpcId: null };
  const activities = {
    ensureNetworkApplied: (): Promise<void> => {
      log.push('apply');
      return Promise.resolve().then(() => apply(calls++));
    },
    settleNetworkChange: (jobId: string, { ok, reason }: NetworkOutcome): Promise<void> => {
      expect(jobId).toBe(input.jobId);
      log.push(ok ? 'settled' : `failed: ${reason}`);
      return Promise.resolve();
    },
  };
  const outcome = await temporal.withWorker(activities, () =>
    temporal.env.client.workflow.execute<(input: NetworkChangeInput) => Promise<NetworkOutcome>>('applyNetwork', {
      taskQueue: TASK_QUEUE,
      workflowId: networkWorkflowIdOf(input.jobId),
      args: [input],
    }),
  );
  return { log, outcome };
}

test('a change that its gateway takes is settled', async () => {
  expect(await run(() => undefined)).toEqual({ log: ['apply', 'settled'], outcome: { ok: true } });
}, 60_000);

test('a gateway that fails once is asked again', async () => {
  const { log } = await run((calls) => {
    if (calls === 0) throw fault('GatewayFailed', 'not now');
  });
  expect(log).toEqual(['apply', 'apply', 'settled']);
}, 60_000);

test('a gateway that refuses ends the job with its words, and is brought back to the rows', async () => {
  const { log, outcome } = await run((calls) => {
    if (calls === 0) throw fault('HypervisorRefused', 'no such gateway');
  });
  expect(log).toEqual(['apply', 'failed: no such gateway', 'apply']);
  expect(outcome).toEqual({ ok: false, reason: 'no such gateway' });
}, 60_000);

test('a change that is cancelled in the Temporal Web UI ends its job with that reason', async () => {
  const { log } = await run(async (calls) => {
    if (calls > 0) return;
    const { client, info } = Context.current();
    await client.workflow.getHandle(info.workflowExecution!.workflowId).cancel();
    await hang();
  });
  expect(log).toEqual(['apply', 'failed: it was cancelled', 'apply']);
}, 60_000);
