import { simulatorGateway } from '../../activities/gateway/simulator.js';
import { workflowIdOf } from '../../workflows/model/operation.js';
import { expectAgreement, expectGone, expectHealthy, makeWatched, nodeRows } from './facts.js';
import { describeStack, type Stack } from './stack.js';

const OK = { jobstatus: 1, jobresultcode: 0 };
const LONG_AGO = '2020-01-01 00:00:00.000';

const rests = (stack: Stack, id: string, state: string, reason: RegExp | null) =>
  stack.until(
    `the cluster is ${state}`,
    () => {
      const found = stack.cluster(id);
      const fits = reason === null ? found.reason === null : reason.test(found.reason ?? '');
      return (found.state === state && fits) || `${found.state}: ${found.reason}`;
    },
    60,
    100,
  );
const machine = (stack: Stack, id: string, role: string) => nodeRows(stack, id).find((node) => node.role === role)!;

describeStack('the scan', { profile: 'instant' }, (scenario) => {
  scenario(
    'takes a cluster with a machine that is off for what it is, and for well once all machines run and its API server answers',
    async (stack) => {
      const id = await makeWatched(stack, 1, 1);
      const worker = machine(stack, id, 'worker');
      const control = machine(stack, id, 'control');
      const power = (name: string, state: string) => stack.fate(`domains/${name}`, { state });
      await power(worker.instance_name, 'shut off');
      await rests(stack, id, 'Alert', new RegExp(`${worker.name}: its machine is Stopped`));
      await power(worker.instance_name, 'running');
      await rests(stack, id, 'Running', null);
      await expectHealthy(stack, id, 1, 1);

      // All are off: that is a stopped cluster, which somebody may have started again by hand.
      for (const { instance_name } of [control, worker]) await power(instance_name, 'shut off');
      await rests(stack, id, 'Stopped', null);
      expect(await stack.run('startKubernetesCluster', { id })).toMatchObject(OK);
      await expectHealthy(stack, id, 1, 1);

      // One that is gone does not come back: another takes its place.
      await power(worker.instance_name, 'gone');
      await rests(stack, id, 'Alert', new RegExp(`${worker.name}: its machine is gone from host`));
      const { vm_id: nodeid = '' } = stack.row<{ vm_id: string }>(`SELECT vm_id FROM kubernetes_cluster_vm_map WHERE cluster_id = ? AND role = 'worker'`, id); // prettier-ignore
      expect(await stack.run('replaceKubernetesNode', { id, nodeid })).toMatchObject(OK);
      await expectHealthy(stack, id, 1, 1);
      await expectAgreement(stack, id);
      expect(await stack.run('deleteKubernetesCluster', { id })).toMatchObject(OK);
    },
    180,
  );

  scenario(
    'starts an operation whose run was never started, and ends one whose run is gone so that a resume finishes it',
    async (stack) => {
      const id = await makeWatched(stack, 1, 1);
      // As when the API server is killed between its row and Temporal.
      await stack.temporal.kill();
      const { jobid } = await stack.call('stopKubernetesCluster', { id });
      stack.temporal.start();
      await stack.temporalUp();
      expect(await stack.jobEnd(String(jobid))).toMatchObject(OK);
      expect(stack.cluster(id)).toMatchObject({ state: 'Stopped', reason: null });

      // The control node runs by then: with all machines off the cluster would be taken for Stopped.
      const of = machine(stack, id, 'worker').instance_name;
      const { id: fault } = await stack.breaks({
        on: 'hypervisor',
        match: 'domain.start',
        of,
        kind: 'hang',
        times: 1000,
      });
      const start = await stack.call('startKubernetesCluster', { id });
      await stack.stepIs(id, /worker-1: start the machine/, 'running');
      await (await stack.client()).workflow.getHandle(workflowIdOf(stack.operation(id).uuid)).terminate('by a test');
      expect(await stack.jobEnd(String(start['jobid']))).toMatchObject({ jobstatus: 2, jobresultcode: 530 });
      await stack.heals(fault);
      expect(stack.operation(id)).toMatchObject({ state: 'failed', fault: 'RunLost' });
      expect(stack.cluster(id).state).toBe('Alert');
      expect(await stack.run('resumeKubernetesClusterOperation', { kubernetesclusterid: id })).toMatchObject(OK);
      await expectHealthy(stack, id, 1, 1);
      expect(await stack.run('deleteKubernetesCluster', { id })).toMatchObject(OK);
    },
    180,
  );

  scenario(
    'takes up a delete that was interrupted, until nothing is left',
    async (stack) => {
      const id = await makeWatched(stack, 1, 1);
      await stack.breaks({ on: 'hypervisor', match: 'domain.delete', kind: 'failForGood', times: 1 });
      expect(await stack.run('deleteKubernetesCluster', { id })).toMatchObject({ jobstatus: 2, jobresultcode: 530 });
      expect(stack.cluster(id)).toMatchObject({
        state: 'Destroying',
        reason: expect.stringContaining('remove the machine'),
      });
      // Its pause is over.
      stack.write(`UPDATE operation SET ended = '${LONG_AGO}' WHERE uuid = '${stack.operation(id).uuid}'`);
      await stack.until('it is gone', () => stack.cluster(id).state === 'Destroyed' || String(stack.cluster(id).reason), 60); // prettier-ignore
      expect(stack.operation(id)).toMatchObject({ kind: 'delete', attempt: 2, state: 'succeeded' });
      await expectGone(stack, id);
    },
    120,
  );

  scenario(
    'puts a gateway right that has something else than the rows say',
    async (stack) => {
      const id = await makeWatched(stack, 1, 1);
      const { url } = stack.row<{ url: string }>('SELECT gateway_url AS url FROM data_center');
      const network = String(stack.cluster(id).network_id);
      await simulatorGateway(url).ensureAbsent(network);
      await stack.until('its forwards are back', async () => {
        const { rules } = await stack.world();
        return rules.some(({ networkId }) => networkId === network) || JSON.stringify(rules);
      }, 60, 100); // prettier-ignore
      await expectHealthy(stack, id, 1, 1);
      await expectAgreement(stack, id);
      expect(await stack.run('deleteKubernetesCluster', { id })).toMatchObject(OK);
    },
    120,
  );
});
