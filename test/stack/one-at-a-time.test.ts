import { expectAgreement } from './facts.js';
import { describeStack } from './stack.js';

const CALLS = 100;
const OK = { jobstatus: 1, jobresultcode: 0 };

describeStack('one operation at a time', { profile: 'instant' }, (scenario) => {
  scenario(
    `of ${CALLS} changing calls on one cluster at the same moment one runs, and the jobs of the others fail with 530 naming it`,
    async (stack) => {
      const { id, jobid } = await stack.create(1, 1);
      expect(await stack.jobEnd(jobid)).toMatchObject(OK);
      const [worker] = stack.rows<{ vm_id: string }>(
        `SELECT vm_id FROM kubernetes_cluster_vm_map WHERE cluster_id = ? AND role = 'worker'`,
        id,
      );
      const [, next] = stack.rows<{ uuid: string }>('SELECT uuid FROM kubernetes_supported_version ORDER BY id');
      const changes: [command: string, parameters: Record<string, string>][] = [
        ['scaleKubernetesCluster', { size: '2' }],
        ['stopKubernetesCluster', {}],
        ['upgradeKubernetesCluster', { kubernetesversionid: next!.uuid }],
        ['replaceKubernetesNode', { nodeid: worker!.vm_id }],
      ];
      // Nobody works meanwhile: none of the calls can come after the end of another's operation.
      await stack.worker.kill();
      const answers = await Promise.all(
        Array.from({ length: CALLS }, (_, i) => {
          const [command, parameters] = changes[i % changes.length]!;
          return stack.call(command, { id, ...parameters });
        }),
      );
      const jobs = answers.map((answer) => stack.jobRow(String(answer['jobid'])));
      const [running, ...more] = jobs.filter(({ job_status }) => job_status === 0);
      expect(more).toEqual([]);
      const one = stack.operation(id);
      expect(stack.operations(id).map(({ kind, job_id }) => `${kind} ${job_id}`)).toEqual([
        `create ${jobid}`,
        `${one.kind} ${running!.uuid}`,
      ]);
      const refused = jobs.filter(({ job_status }) => job_status === 2);
      expect(refused).toHaveLength(CALLS - 1);
      const words = `operation "${one.kind}" (${one.uuid}) is queued; wait for job ${one.job_id}`;
      for (const { job_result_code, job_result } of refused)
        expect({ job_result_code, job_result }).toEqual({
          job_result_code: 530,
          job_result: expect.stringContaining(JSON.stringify(words).slice(1, -1)),
        });
      expect(await stack.job(refused[0]!.uuid)).toMatchObject({
        jobresultcode: 530,
        jobresult: { errorcode: 530, errortext: expect.stringContaining(words) },
      });
      stack.worker.start();
      expect(await stack.jobEnd(one.job_id)).toMatchObject(OK);
      expect(stack.operations(id)).toHaveLength(2);
      await expectAgreement(stack, id);
    },
    180,
  );
});
