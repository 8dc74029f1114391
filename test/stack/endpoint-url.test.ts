import { describeStack } from './stack.js';

const OK = { jobstatus: 1, jobresultcode: 0 };
/** Nobody listens there. */
const WRONG = 'http://127.80.0.9:9/client/api';
const SAID = `${WRONG} does not answer from this node: set endpoint.url to an address of the service's API that nodes reach`;

describeStack('an endpoint.url that nodes do not reach', { profile: 'instant' }, (scenario) => {
  scenario(
    'is named by what needs it; a cluster runs without the cloud controller, and an autoscaler goes on once it is right (report 24)',
    async (stack) => {
      const { value: right } = stack.row<{ value: string }>(`SELECT value FROM configuration WHERE name = 'endpoint.url'`); // prettier-ignore
      const setTo = (value: string) => stack.call('updateConfiguration', { name: 'endpoint.url', value });
      await setTo(WRONG);
      const { id, jobid } = await stack.create(1, 1);
      expect(await stack.jobEnd(jobid)).toMatchObject(OK);
      expect(stack.cluster(id).state).toBe('Running');
      const failed = stack.steps(stack.operation(id).uuid).filter(({ state }) => state === 'failed');
      expect(failed.map(({ title, note }) => [title, note])).toEqual([
        ['components: cloud controller', expect.stringContaining(SAID)],
      ]);

      const refused = await stack.run('scaleKubernetesCluster', { id, autoscalingenabled: 'true', minsize: '1', maxsize: '3' }); // prettier-ignore
      expect(refused).toMatchObject({ jobstatus: 2, jobresult: { errortext: expect.stringContaining(SAID) } });
      await setTo(right);
      expect(await stack.run('resumeKubernetesClusterOperation', { kubernetesclusterid: id })).toMatchObject(OK);
      expect(stack.cluster(id)).toMatchObject({ state: 'Running', autoscaling_enabled: 1 });
    },
    120,
  );
});
