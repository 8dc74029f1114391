import { doneTwice, expectHealthy } from './facts.js';
import { describeStack } from './stack.js';

describeStack('the zone goes down', {}, (scenario) => {
  scenario(
    'and comes back at five moments of a create: the create finishes and makes nothing twice',
    async (stack) => {
      const { id, jobid } = await stack.create(2, 1);
      for (const moment of [
        /take a public address|root volume/,
        /define the machine/,
        /install Kubernetes/,
        /run kubeadm init/,
        /worker-1: join|control-2: join/,
      ]) {
        await stack.stepIs(id, moment, 'running', 60);
        await stack.simulator.restart();
        await stack.simulatorUp();
      }
      const job = await stack.jobEnd(jobid, 90);
      expect({ status: job.jobstatus, result: job.jobstatus === 1 || job['jobresult'] }).toEqual({
        status: 1,
        result: true,
      });
      await expectHealthy(stack, id, 2, 1);
      expect(stack.operations(id)).toHaveLength(1);
      expect(doneTwice(await stack.effects())).toEqual([]);
    },
    150,
  );
});
