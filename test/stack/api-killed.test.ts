import type { ClusterRow, JobRow, OperationRow } from '../../db/rows.js';
import { ApiError } from '../../scripts/client.js';
import { workflowIdOf } from '../../workflows/model/operation.js';
import { domainsOf, doneTwice, heldRows, NOTHING_HELD } from './facts.js';
import { sleep } from './parts.js';
import { describeStack, type Stack } from './stack.js';

const REQUESTS = 200;
/** Requests that are under way when one API server is killed. */
const AT_ONCE = 5;
/** Operations that are open at the same time: more would only make two processors wait. */
const OPEN = 30;

type Request = ['createKubernetesCluster' | 'deleteKubernetesCluster', Record<string, string>];
interface Asked {
  command: Request[0];
  /** Absent: the API server was killed before it could answer. */
  answer?: { id?: string; jobid: string };
  /** An answer that was no job. */
  refused?: string;
}

/** When the API server is killed, plus 0 to 50 ms: after the requests were sent, after one was written down, after one was answered. */
const MOMENTS = ['sent', 'written', 'answered'] as const;

/** Sends requests, kills the API server, starts it again and waits until it is ready and warm. */
async function askAndKill(stack: Stack, requests: Request[], moment: (typeof MOMENTS)[number]): Promise<Asked[]> {
  const before = jobsOf(stack);
  const asked = requests.map(async ([command, parameters]): Promise<Asked> => {
    try {
      return { command, answer: (await stack.call(command, parameters)) as { id?: string; jobid: string } };
    } catch (error) {
      return error instanceof ApiError ? { command, refused: error.message } : { command };
    }
  });
  if (moment === 'written') await stack.until('one is written down', () => jobsOf(stack) > before, 20, 1);
  if (moment === 'answered') await Promise.race(asked);
  await sleep(Math.random() * 50);
  await stack.api.kill();
  const done = await Promise.all(asked);
  stack.api.start();
  await stack.ready();
  await stack.call('listKubernetesClusters', { pagesize: '1', page: '1' });
  return done;
}

const jobsOf = (stack: Stack) => stack.row<{ n: number }>('SELECT count(*) AS n FROM async_job').n;
const openOperations = (stack: Stack) =>
  stack.row<{ n: number }>('SELECT count(*) AS n FROM operation WHERE ended IS NULL').n;

describeStack('the API server is killed', { profile: 'instant' }, (scenario) => {
  scenario(
    'between accepting and starting, 200 times: each job ends, none runs twice, and what was not answered is whole or not there',
    async (stack) => {
      const asked: Asked[] = [];
      let kills = 0;
      const ask = async (requests: Request[]) => {
        for (let i = 0; i < requests.length; i += AT_ONCE) {
          asked.push(...(await askAndKill(stack, requests.slice(i, i + AT_ONCE), MOMENTS[kills++ % 3]!)));
          await stack.until(
            'room for more',
            () => openOperations(stack) <= OPEN || `${openOperations(stack)} operations are open`,
            120,
          );
        }
        await stack.until(
          'all operations end',
          () => openOperations(stack) === 0 || `${openOperations(stack)} operations are open`,
          180,
        );
      };
      const creates = (count: number, from: number) =>
        Promise.all(Array.from({ length: count }, async (_, k): Promise<Request> => ['createKubernetesCluster', await stack.createParameters(1, 1, `k${from + k}`)])); // prettier-ignore

      await ask(await creates(REQUESTS / 2, 0));
      // Then each cluster that came out of it is deleted, between further creates.
      const clusters = stack.rows<ClusterRow>('SELECT * FROM kubernetes_cluster ORDER BY id');
      const deletes = clusters.map(({ uuid }): Request => ['deleteKubernetesCluster', { id: uuid }]);
      const more = await creates(REQUESTS / 2 - deletes.length, REQUESTS);
      await ask([...deletes, ...more].map((request, i) => ({ request, at: (i * 7919) % REQUESTS })).sort((x, y) => x.at - y.at).map(({ request }) => request)); // prettier-ignore
      expect(asked).toHaveLength(REQUESTS);

      expect(asked.flatMap(({ refused }) => refused ?? [])).toEqual([]);
      // Every answered job is there and has ended well; so has everything that was written down and not answered.
      const answered = asked.flatMap(({ answer }) => (answer ? [answer.jobid] : []));
      expect(answered.map((jobid) => stack.jobRow(jobid).job_status)).toEqual(answered.map(() => 1));
      expect(stack.rows<JobRow>('SELECT * FROM async_job WHERE job_status = 0')).toEqual([]);
      const operations = stack.rows<OperationRow>('SELECT * FROM operation ORDER BY id');
      expect(
        operations
          .filter(({ state }) => state !== 'succeeded')
          .map(({ kind, state, reason }) => ({ kind, state, reason })),
      ).toEqual([]);

      // None ran twice: one run per operation, one effect per thing (a public address goes to the next cluster after a delete).
      const { workflow } = await stack.client();
      const runs = new Map<string, number>();
      for await (const { workflowId } of workflow.list())
        if (workflowId.startsWith('op-')) runs.set(workflowId, (runs.get(workflowId) ?? 0) + 1);
      expect(operations.filter(({ uuid }) => runs.get(workflowIdOf(uuid)) !== 1).map(({ uuid }) => uuid)).toEqual([]);
      expect(runs.size).toBe(operations.length);
      expect(doneTwice((await stack.effects()).filter(({ kind }) => kind !== 'gateway.address'))).toEqual([]);

      // A cluster whose delete ended has nothing; one whose delete was never accepted stands.
      const world = await stack.world();
      for (const cluster of stack.rows<ClusterRow>('SELECT * FROM kubernetes_cluster')) {
        expect({ name: cluster.name, machines: domainsOf(world, cluster.uuid).length }).toEqual({
          name: cluster.name,
          machines: cluster.state === 'Destroyed' ? 0 : 2,
        });
        if (cluster.state === 'Destroyed') expect(heldRows(stack, cluster.uuid)).toEqual(NOTHING_HELD);
      }
      // The test means something only when kills fell between writing down and answering, and on both sides of that.
      const known = stack.rows('SELECT uuid FROM async_job').length;
      expect(answered.length).toBeGreaterThan(10);
      expect(known - answered.length).toBeGreaterThan(10);
      expect(asked.length - known).toBeGreaterThan(10);
      process.stdout.write(
        `${asked.length} requests, ${kills} kills: ${answered.length} answered, ${known - answered.length} written down and not answered, the others never arrived\n`,
      );
    },
    300,
  );
});
