import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { doneTwice, domainsOf, expectHealthy, heldRows, NOTHING_HELD } from './facts.js';
import { describeStack } from './stack.js';

describeStack('Temporal is killed', {}, (scenario) => {
  scenario(
    'and started again during a create: the create goes on and finishes',
    async (stack) => {
      const { id, jobid } = await stack.create(1, 2);
      for (const moment of [/take a public address|root volume/, /install Kubernetes/, /worker-\d: join/]) {
        await stack.stepIs(id, moment, 'running', 60);
        await stack.temporal.restart();
      }
      const job = await stack.jobEnd(jobid, 90);
      expect({ status: job.jobstatus, result: job.jobstatus === 1 || job['jobresult'] }).toEqual({
        status: 1,
        result: true,
      });
      await expectHealthy(stack, id, 1, 2);
      expect(stack.operations(id)).toHaveLength(1);
      expect(doneTwice(await stack.effects())).toEqual([]);
    },
    150,
  );

  scenario(
    'and its file deleted during creates: they rest with that reason; one is resumed, one is deleted, without a restart of anything else',
    async (stack) => {
      const made = (await stack.effects()).length;
      const kept = await stack.create(1, 1);
      const dropped = await stack.create(1, 1);
      await stack.stepIs(kept.id, /control-1: install Kubernetes/, 'running');
      await stack.stepIs(dropped.id, /install Kubernetes|wait for SSH|start the machine/, 'running');
      await stack.temporal.kill();
      for (const end of ['', '-wal', '-shm']) rmSync(join(stack.home, `temporal.db${end}`), { force: true });
      stack.temporal.start();

      for (const { id, jobid } of [kept, dropped]) {
        const job = await stack.jobEnd(jobid, 90);
        expect({ status: job.jobstatus, code: job.jobresultcode }).toEqual({ status: 2, code: 530 });
        const { state, reason } = stack.cluster(id);
        expect(['Error', 'Alert']).toContain(state);
        expect(reason).toMatch(/lost/);
        expect(stack.operation(id).fault).toBe('RunLost');
      }
      const resumed = await stack.run('resumeKubernetesClusterOperation', { kubernetesclusterid: kept.id }, 90);
      expect({ status: resumed.jobstatus, result: resumed.jobstatus === 1 || resumed['jobresult'] }).toEqual({
        status: 1,
        result: true,
      });
      await expectHealthy(stack, kept.id, 1, 1);

      const removed = await stack.run('deleteKubernetesCluster', { id: dropped.id });
      expect({ status: removed.jobstatus, result: removed.jobstatus === 1 || removed['jobresult'] }).toEqual({
        status: 1,
        result: true,
      });
      expect(stack.cluster(dropped.id).state).toBe('Destroyed');
      expect(domainsOf(await stack.world(), dropped.id)).toEqual([]);
      expect(heldRows(stack, dropped.id)).toEqual(NOTHING_HELD);
      expect(doneTwice((await stack.effects()).slice(made))).toEqual([]);
    },
    150,
  );
});
