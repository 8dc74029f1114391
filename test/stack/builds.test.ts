import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { workflowIdOf } from '../../workflows/model/operation.js';
import type { StackPart } from './parts.js';
import { describeStack, type Stack } from './stack.js';

const exec = promisify(execFile);

/** As the operator does it, with Temporal's own program. */
async function deployment(stack: Stack, ...words: string[]): Promise<string> {
  const [program = ''] = stack.temporal.plan.command as string[];
  const address = ['--address', `127.0.0.1:${stack.settings.temporalPort}`];
  const { stdout } = await exec(program, ['worker', 'deployment', ...words, ...address]);
  return stdout;
}

/** Makes a build the one that new operations begin on; Temporal knows it once its worker has polled. */
const setCurrent = (stack: Stack, build: string) =>
  stack.until(
    `build ${build} is current`,
    () =>
      deployment(stack, 'set-current-version', '--deployment-name', 'cks', '--build-id', build, '--yes').then(
        () => true as const,
        (error: unknown) => (error as { stderr: string }).stderr,
      ),
    20,
    200,
  );

/** Who worked on an operation's run: workers' process numbers, of workflow tasks and of activities, and the builds they said to be. */
async function workedBy(stack: Stack, clusterId: string): Promise<{ pids: number[]; builds: string[] }> {
  const { workflow } = await stack.client();
  const { events } = await workflow.getHandle(workflowIdOf(stack.operation(clusterId).uuid)).fetchHistory();
  const pids = new Set<number>();
  const builds = new Set<string>();
  for (const event of events ?? []) {
    const done = event.workflowTaskCompletedEventAttributes ?? event.activityTaskStartedEventAttributes;
    if (done?.identity) pids.add(Number(done.identity.split('@')[0]));
    const build = event.workflowTaskCompletedEventAttributes?.deploymentVersion?.buildId;
    if (build) builds.add(build);
  }
  return { pids: [...pids], builds: [...builds] };
}

/** A create that is paused while its network is made: it is begun, and not near its end. */
async function pausedCreate(stack: Stack): Promise<{ id: string; jobid: string }> {
  const made = await stack.create(1, 1);
  await stack.stepIs(made.id, /^network: take/, 'running');
  await stack.call('pauseKubernetesClusterOperation', { kubernetesclusterid: made.id });
  await stack.until('the create rests', () => stack.steps(stack.operation(made.id).uuid).every(({ state }) => state !== 'running'), 30); // prettier-ignore
  expect(stack.operation(made.id).state).toBe('running');
  return made;
}

/** Waits until a scan that begins from now on has ended on the build. */
async function scanBy(stack: Stack, build: string): Promise<void> {
  const { workflow } = await stack.client();
  const query = `WorkflowType = 'scanOperations' AND ExecutionStatus = 'Completed' AND TemporalWorkerDeploymentVersion = 'cks:${build}' AND StartTime > '${new Date().toISOString()}'`;
  await stack.until(`a scan by build ${build}`, async () => (await workflow.count(query)).count > 0, 30, 200);
}

const goOn = (stack: Stack, id: string) => stack.call('resumeKubernetesClusterOperation', { kubernetesclusterid: id });

describeStack('two builds of the worker', { env: { CKS_BUILD_ID: 'A' } }, (scenario) => {
  let second: StackPart;

  scenario(
    'an operation ends on the build that it began on, new ones begin on the current one, and a roll-back is the same call',
    async (stack) => {
      await setCurrent(stack, 'A');
      const before = await pausedCreate(stack);
      second = stack.addWorker({ CKS_BUILD_ID: 'B' });
      await setCurrent(stack, 'B');

      const after = await stack.create(1, 1);
      expect((await stack.jobEnd(after.jobid)).jobstatus).toBe(1);
      await goOn(stack, before.id);
      expect((await stack.jobEnd(before.jobid)).jobstatus).toBe(1);
      expect(await workedBy(stack, before.id)).toEqual({ pids: [stack.worker.pid], builds: ['A'] });
      expect(await workedBy(stack, after.id)).toEqual({ pids: [second.pid], builds: ['B'] });
      expect(await deployment(stack, 'describe', '--name', 'cks')).toMatch(/CurrentVersionBuildID +B/);

      await setCurrent(stack, 'A');
      const back = await stack.create(1, 1);
      expect((await stack.jobEnd(back.jobid)).jobstatus).toBe(1);
      expect(await workedBy(stack, back.id)).toEqual({ pids: [stack.worker.pid], builds: ['A'] });
    },
    120,
  );

  scenario(
    'an operation whose build has no worker left ends after cks.build.gone.seconds, and its resume is of the current build',
    async (stack) => {
      const { id, jobid } = await pausedCreate(stack);
      const lost = stack.operation(id);
      await setCurrent(stack, 'B');
      // A worker that dies inside a scan holds the next one up for a minute.
      await scanBy(stack, 'B');
      await stack.worker.kill();
      await stack.call('updateConfiguration', { name: 'cks.build.gone.seconds', value: '1' });
      expect((await stack.jobEnd(jobid)).jobresult).toMatchObject({ errortext: expect.stringMatching(/no worker of build A.*resume/) as string }); // prettier-ignore
      expect(stack.rows('SELECT state, fault FROM operation WHERE uuid = ?', lost.uuid)).toEqual([{ state: 'failed', fault: 'RunLost' }]); // prettier-ignore
      const { workflow } = await stack.client();
      expect((await workflow.getHandle(workflowIdOf(lost.uuid)).describe()).status.name).toBe('TERMINATED');

      expect((await stack.run('resumeKubernetesClusterOperation', { kubernetesclusterid: id })).jobstatus).toBe(1);
      expect(await workedBy(stack, id)).toEqual({ pids: [second.pid], builds: ['B'] });
    },
    120,
  );
});
