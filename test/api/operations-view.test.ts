import { now } from '../../db/knex.js';
import { addOperation, changeStep } from '../ui/operation-rows.js';
import { addCluster } from './fixtures.js';
import { Harness } from './harness.js';

let h: Harness;
let cluster: string;
let operation: string;
beforeAll(async () => {
  h = await Harness.start();
});
afterAll(() => h.stop());
beforeEach(async () => {
  cluster = (await addCluster(h.db, h.users.U, { name: 'watched' })).uuid;
  operation = await addOperation(h.db, h.users.U, cluster);
});
const shown = async () =>
  (await h.call('listKubernetesClusterOperations', { kubernetesclusterid: cluster }, h.users.U)).content
    .kubernetesclusteroperation[0] as Record<string, unknown>;

test('a running operation tells its steps, percent, time left and what that rests on, attempts, the last error and its run', async () => {
  const operations = await shown();
  expect(operations).toMatchObject({
    id: operation, kubernetesclusterid: cluster, operation: 'create', state: 'running', attempt: 1, percent: 50,
    lasterror: 'control-1: boot: the first attempt lost its connection',
    estimatebasis: expect.stringContaining('longest chain of steps'),
    temporalurl: `http://127.0.0.1:8233/workflows/op-${operation}`,
    steps: [
      { title: 'set up the network', state: 'done', attempts: 1 },
      { title: 'make the nodes', state: 'running', steps: [{ title: 'control-1: boot', state: 'running', attempts: 2 }, { title: 'worker-1: boot', state: 'pending' }] },
      { title: 'save the kubeconfig', state: 'skipped', skip: 'it is there already' },
    ],
  }); // prettier-ignore
  expect(operations['secondsleft']).toBeGreaterThan(0);
});

test('what a first attempt waits for is no error', async () => {
  await changeStep(h.db, operation, 2, { attempts: 1, note: 'not Ready: it starts' });
  expect((await shown())['lasterror']).toBeUndefined();
});

test.each([
  ['HostUnreachable', 'operator'],
  ['Refused', 'user'],
  ['Internal', 'service'],
])('one that failed with %s says so, and that the %s can mend it', async (fault, whocanfix) => {
  const ended = { state: 'failed', fault, reason: 'worker-1: it broke' };
  await h
    .db('operation')
    .where({ uuid: operation })
    .update({ ...ended, ended: now(h.db), active_cluster_id: null });
  const operations = await shown();
  expect(operations).toMatchObject({
    state: 'failed',
    fault,
    whocanfix,
    reason: ended.reason,
    lasterror: ended.reason,
  });
  expect(operations['secondsleft']).toBeUndefined();
});

test('the estimate is the median of what steps of a kind took before', async () => {
  await h.db('operation_step').where({ operation_id: operation }).whereIn('line', [2, 3]).update({ kind: 'measured' });
  await changeStep(h.db, operation, 2, { state: 'done', note: null });
  const before = await addOperation(h.db, h.users.U, (await addCluster(h.db, h.users.U, { name: 'earlier' })).uuid);
  for (const [line, seconds] of [[0, 40], [2, 50], [3, 4000]] as const)
    await changeStep(h.db, before, line, { kind: 'measured', state: 'done', seconds, ended: now(h.db) }); // prettier-ignore
  const { secondsleft, estimatebasis } = await shown();
  expect(secondsleft).toBe(50);
  expect(estimatebasis).toContain('median of its last 20 runs');
});
