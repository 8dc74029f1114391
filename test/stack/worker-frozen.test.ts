import { doneTwice, expectHealthy, heldRows, NO_TRACES, NOTHING_HELD, tracesOf } from './facts.js';
import { describeStack, type Fault, type Stack } from './stack.js';

/** Freezes the first worker while the zone is slow over one call of a step, so that it stands in the middle of that step. */
async function freezeInside(stack: Stack, id: string, fault: Pick<Fault, 'on' | 'match'>, step: RegExp): Promise<void> {
  await stack.stepIs(id, step, 'running');
  await stack.until('the slow call has begun', async () => {
    const left = await stack.faults();
    return left.length === 0 || JSON.stringify(left);
  }, 20, 5); // prettier-ignore
  // Frozen between its look at the operation's row and the call, a step of another lane would take its work away again: test/activities/left-behind.
  await stack.until('no other step runs', () => {
    const titles = stack.rows("SELECT title FROM operation_step WHERE operation_id = ? AND state = 'running'", stack.operations(id)[0]?.uuid).map(({ title }) => String(title)); // prettier-ignore
    return (titles.length === 1 && step.test(titles[0]!)) || titles.join('; ');
  }, 4, 5); // prettier-ignore
  stack.worker.freeze();
}

/** The thawed worker goes on with what it was doing: it is alone, and a whole create of its own shows that it is past it. */
async function goOnAlone(stack: Stack): Promise<void> {
  const others = stack.extra.splice(0);
  stack.worker.thaw();
  await Promise.all(others.map((part) => part.kill()));
  const { id, jobid } = await stack.create(1, 1);
  expect((await stack.jobEnd(jobid, 60)).jobstatus).toBe(1);
  await expectHealthy(stack, id, 1, 1);
}

// Now and then a worker that goes on dies of its stale runs in the SDK (github.com/temporalio/sdk-typescript/issues/939) and is started again.
const SDK_939 = /async hook stack has become corrupted/;

describeStack('a worker that is stopped until another one took over', { tolerates: SDK_939 }, (scenario) => {
  for (const [on, match, step] of [
    ['node', 'node.init', /run kubeadm init/],
    ['gateway', 'gateway.apply', /set up gateway/],
  ] as const)
    scenario(
      `at ${match} does no harm when it goes on: nothing is made twice`,
      async (stack) => {
        const made = (await stack.effects()).length;
        await stack.breaks({ on, match, kind: 'slow', times: 1 });
        const { id, jobid } = await stack.create(1, 1);
        await freezeInside(stack, id, { on, match }, step);
        stack.addWorker();
        const job = await stack.jobEnd(jobid, 90);
        expect({ status: job.jobstatus, result: job.jobstatus === 1 || job['jobresult'] }).toEqual({
          status: 1,
          result: true,
        });
        await expectHealthy(stack, id, 1, 1);
        await goOnAlone(stack);
        await expectHealthy(stack, id, 1, 1);
        expect(doneTwice((await stack.effects()).slice(made))).toEqual([]);
      },
      150,
    );

  for (const [on, match, step] of [
    ['hypervisor', 'volume.create', /create the root volume/],
    ['hypervisor', 'cache.iso', /define the machine/],
    ['gateway', 'gateway.address', /take a public address/],
  ] as const)
    scenario(
      `at ${match}, and whose cluster was deleted meanwhile, leaves nothing behind when it goes on`,
      async (stack) => {
        await stack.breaks({ on, match, kind: 'slow', times: 1 });
        const { id, jobid } = await stack.create(1, 1);
        await freezeInside(stack, id, { on, match }, step);
        stack.addWorker();
        const removal = await stack.run('deleteKubernetesCluster', { id }, 90);
        expect({ status: removal.jobstatus, result: removal.jobstatus === 1 || removal['jobresult'] }).toEqual({
          status: 1,
          result: true,
        });
        expect((await stack.jobEnd(jobid)).jobstatus).toBe(2);
        expect(await tracesOf(stack, id)).toEqual(NO_TRACES);
        const steps = stack.rows('SELECT * FROM operation_step WHERE operation_id = ?', stack.operations(id)[0]?.uuid);
        await goOnAlone(stack);
        expect(await tracesOf(stack, id)).toEqual(NO_TRACES);
        // Nor does it write into what has ended.
        expect(
          stack.rows('SELECT * FROM operation_step WHERE operation_id = ?', stack.operations(id)[0]?.uuid),
        ).toEqual(steps);
        expect(heldRows(stack, id)).toEqual(NOTHING_HELD);
        expect(stack.cluster(id).state).toBe('Destroyed');
      },
      150,
    );
});
