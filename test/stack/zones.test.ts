import { workflowIdOf } from '../../workflows/model/operation.js';
import type { StackPart } from './parts.js';
import { describeStack, type Stack } from './stack.js';

/** Process numbers of the workers that took the activities of an operation's run, but for the claim: any worker claims. */
async function actedBy(stack: Stack, clusterId: string): Promise<number[]> {
  const { workflow } = await stack.client();
  const { events } = await workflow.getHandle(workflowIdOf(stack.operation(clusterId).uuid)).fetchHistory();
  const claims = (events ?? []).flatMap(({ eventId, activityTaskScheduledEventAttributes: scheduled }) =>
    scheduled?.activityType?.name === 'claim' ? [String(eventId)] : [],
  );
  const started = (events ?? []).flatMap(({ activityTaskStartedEventAttributes: one }) =>
    one && !claims.includes(String(one.scheduledEventId)) ? [Number(one.identity?.split('@')[0])] : [],
  );
  return [...new Set(started)];
}

describeStack('workers of named zones', {}, (scenario) => {
  let elsewhere: StackPart;
  let here: StackPart;
  let id: string;

  scenario(
    'work on a zone that no worker serves ends with that reason after cks.zone.worker.timeout',
    async (stack) => {
      await stack.worker.kill();
      elsewhere = stack.addWorker({ CKS_ZONES: 'elsewhere' });
      const isOn = async () =>
        ((await stack.call('listConfigurations', { name: 'cks.zone.queues' }))['configuration'] as [{ value: string }])[0].value === 'true'; // prettier-ignore
      await stack.until('zones have queues', isOn, 30);
      await stack.call('updateConfiguration', { name: 'cks.zone.worker.timeout', value: '2' });
      const made = await stack.create(1, 1);
      id = made.id;
      expect((await stack.jobEnd(made.jobid)).jobresult).toMatchObject({ errortext: expect.stringMatching(/no worker serves its zone.*CKS_ZONES/) as string }); // prettier-ignore
      expect(await actedBy(stack, id)).toEqual([]);
      expect(await stack.effects()).toEqual([]);
      expect(elsewhere.log()).toContain('CKS_ZONES names a zone that is not there');
    },
    90,
  );

  scenario(
    'a worker of the zone takes it up, and takes all of it',
    async (stack) => {
      await stack.call('updateConfiguration', { name: 'cks.zone.worker.timeout', value: '60' });
      here = stack.addWorker({ CKS_ZONES: 'sim-2,sim-1' });
      expect((await stack.run('resumeKubernetesClusterOperation', { kubernetesclusterid: id })).jobstatus).toBe(1);
      expect(await actedBy(stack, id)).toEqual([here.pid]);
    },
    90,
  );

  scenario(
    'a worker without CKS_ZONES serves all zones, also while cks.zone.queues is true',
    async (stack) => {
      await elsewhere.kill();
      await here.kill();
      stack.worker.start();
      expect((await stack.run('stopKubernetesCluster', { id })).jobstatus).toBe(1);
      expect(await actedBy(stack, id)).toEqual([stack.worker.pid]);
    },
    90,
  );
});
