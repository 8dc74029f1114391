import type { ClusterRow, JobRow, OperationRow } from '../../db/rows.js';
import { workflowIdOf } from '../../workflows/model/operation.js';
import { domainsOf, doneTwice, heldRows, NOTHING_HELD } from './facts.js';
import { sleep } from './parts.js';
import { describeStack, type Stack } from './stack.js';

const CREATES = 100;
const DELETES = 100;
/** Requests that are under way when one API server is killed. */
const AT_ONCE = 10;
/** Creates whose clusters are up at the same time: more would only make two processors wait. */
const OPEN = 30;

interface Asked {
  command: 'createKubernetesCluster' | 'deleteKubernetesCluster';
  /** Absent: the API server was killed before it could answer. */
  answer?: { id?: string; jobid: string };
}

/** Sends requests, kills the API server after 0 to 50 ms, starts it again and waits until it is ready. */
async function askAndKill(stack: Stack, requests: [Asked['command'], Record<string, string>][]): Promise<Asked[]> {
  const asked = requests.map(async ([command, parameters]): Promise<Asked> => {
    try {
      return { command, answer: (await stack.call(command, parameters)) as { id?: string; jobid: string } };
    } catch (error) {
      // fetch reports a cut connection as TypeError; an answer that refuses is an ApiError and a failure of this test.
      if (error instanceof TypeError || error instanceof SyntaxError) return { command };
      throw error;
    }
  });
  await sleep(Math.random() * 50);
  await stack.api.kill();
  const done = await Promise.all(asked);
  stack.api.start();
  await stack.ready();
  return done;
}

const openOperations = (stack: Stack) => stack.rows<{ n: number }>('SELECT count(*) AS n FROM operation WHERE ended IS NULL')[0]!.n;

describeStack('the API server is killed', { profile: 'instant' }, (scenario) => {
  scenario(
    'between accepting and starting, 200 times: each job ends, none runs twice, and what was not answered is whole or not there',
    async (stack) => {
      const asked: Asked[] = [];
      const start = Date.now();
      let kills = 0;
      for (let i = 0; i < CREATES; i += AT_ONCE) {
        const wanted = await Promise.all(Array.from({ length: AT_ONCE }, (_, k) => stack.createParameters(1, 1, `k${i + k}`)));
        asked.push(...(await askAndKill(stack, wanted.map((parameters) => ['createKubernetesCluster', parameters])))); // prettier-ignore
        kills++;
        await stack.until('room for more', () => openOperations(stack) <= OPEN || `${openOperations(stack)} operations are open`, 120);
      }
      const created = Date.now() - start;
      await stack.until('all creates end', () => openOperations(stack) === 0 || `${openOperations(stack)} operations are open`, 120);
      const createdEnd = Date.now() - start;

      // Deletes of clusters that were made, some of them asked for twice.
      const clusters = stack.rows<ClusterRow>('SELECT * FROM kubernetes_cluster ORDER BY id');
      expect(clusters.map(({ state, reason }) => ({ state, reason }))).toEqual(clusters.map(() => ({ state: 'Running', reason: null })));
      for (let i = 0; i < DELETES; i += AT_ONCE) {
        const wanted = Array.from({ length: AT_ONCE }, (_, k) => clusters[(i + k) % clusters.length]!.uuid);
        asked.push(...(await askAndKill(stack, wanted.map((id) => ['deleteKubernetesCluster', { id }])))); // prettier-ignore
        kills++;
      }
      await stack.until('all operations end', () => openOperations(stack) === 0 || `${openOperations(stack)} operations are open`, 180);

      // Every answered job is there and has ended well; a delete that came after another's end has failed and says so.
      const answered = asked.flatMap(({ command, answer }) => (answer ? [{ command, jobid: answer.jobid }] : []));
      const gone = /was deleted/;
      for (const { command, jobid } of answered) {
        const job = stack.jobRow(jobid);
        const ok = job.job_status === 1 || (command === 'deleteKubernetesCluster' && job.job_status === 2 && gone.test(job.job_result ?? ''));
        expect({ command, ok, result: ok || job.job_result }).toEqual({ command, ok: true, result: true });
      }
      expect(stack.rows<JobRow>('SELECT * FROM async_job WHERE job_status = 0')).toEqual([]);
      const operations = stack.rows<OperationRow>('SELECT * FROM operation ORDER BY id');
      expect(operations.filter(({ state }) => state !== 'succeeded').map(({ kind, state, reason }) => ({ kind, state, reason }))).toEqual([]);

      // None ran twice: one run per operation, one effect per thing.
      const { workflow } = await stack.client();
      const runs = new Map<string, number>();
      for await (const { workflowId } of workflow.list()) if (workflowId.startsWith('op-')) runs.set(workflowId, (runs.get(workflowId) ?? 0) + 1);
      expect(operations.filter(({ uuid }) => runs.get(workflowIdOf(uuid)) !== 1).map(({ uuid }) => uuid)).toEqual([]);
      expect(runs.size).toBe(operations.length);
      expect(doneTwice((await stack.effects()).filter(({ kind }) => kind !== 'gateway.delete'))).toEqual([]);

      // A cluster whose delete ended has nothing; one whose delete was never accepted stands.
      const world = await stack.world();
      for (const cluster of stack.rows<ClusterRow>('SELECT * FROM kubernetes_cluster')) {
        expect({ name: cluster.name, machines: domainsOf(world, cluster.uuid).length }).toEqual({ name: cluster.name, machines: cluster.state === 'Destroyed' ? 0 : 2 });
        if (cluster.state === 'Destroyed') expect(heldRows(stack, cluster.uuid)).toEqual(NOTHING_HELD);
      }
      // The test means something only when kills fell on both sides of the answer.
      expect(answered.length).toBeGreaterThan(20);
      expect(asked.length - answered.length).toBeGreaterThan(20);
      process.stdout.write(`${asked.length} requests, ${answered.length} answered, ${operations.length} operations, ${kills} kills; creates asked in ${created} ms, ended after ${createdEnd} ms, all after ${Date.now() - start} ms\n`);
    },
    420,
  );
});
