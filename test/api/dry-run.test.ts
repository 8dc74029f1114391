import { writeDetail } from '../../db/clusters.js';
import type { Db } from '../../db/knex.js';
import { addCluster, addMachine } from './fixtures.js';
import { Harness } from './harness.js';

let h: Harness;
beforeAll(async () => {
  h = await Harness.start();
});
afterAll(() => h.stop());

const TABLES = [
  'kubernetes_cluster',
  'async_job',
  'operation',
  'networks',
  'vm_instance',
  'kubernetes_cluster_details',
];
const countRows = async (db: Db) =>
  Object.fromEntries(
    await Promise.all(TABLES.map(async (table) => [table, (await db(table).count({ n: '*' }))[0]!['n']] as const)),
  );

/** What a command answers to `dryrun`, which has to leave all rows alone. */
async function dry(command: string, params: Record<string, string>) {
  const before = await countRows(h.db);
  const { status, content } = await h.call(command, { ...params, dryrun: 'true' }, h.users.U);
  expect(await countRows(h.db)).toEqual(before);
  return { status, content };
}
const first = async (command: string, key: string) => (await h.call(command)).content[key][0].id as string;

test('of an ExternalManaged create makes no cluster', async () => {
  const asked = { name: 'capi', zoneid: await first('listZones', 'zone'), clustertype: 'ExternalManaged' };
  const { status, content } = await dry('createKubernetesCluster', asked);
  expect([status, content.plan.steps]).toEqual([200, []]);
  const made = await h.call('createKubernetesCluster', { ...asked, planhash: 'other' }, h.users.U);
  expect(made.content.errortext).toContain('The plan has changed');
});

test.each([
  ['startKubernetesCluster', 'Running'],
  ['stopKubernetesCluster', 'Stopped'],
] as const)('of %s where it is %s already is a plan without steps, and no job', async (command, state) => {
  const { uuid: id } = await addCluster(h.db, h.users.U, { name: command.slice(0, 5), state });
  const { status, content } = await dry(command, { id });
  expect([status, content.plan.steps]).toEqual([200, []]);
  const done = await h.call(command, { id, planhash: content.plan.hash as string }, h.users.U);
  expect((await h.call('queryAsyncJobResult', { jobid: done.content.jobid as string }, h.users.U)).content.jobstatus).toBe(1); // prettier-ignore
});

test('of a delete that is refused is the refusal, as of the call: it names the machine that is in the way (report 17)', async () => {
  const { uuid: id, networkId } = await addCluster(h.db, h.users.U, { name: 'held' });
  await writeDetail(h.db, id, 'networkCleanup', 'true');
  const machine = await addMachine(h.db, h.users.U, networkId, '10.1.0.99');
  const { status, content } = await dry('deleteKubernetesCluster', { id });
  expect(status).toBe(530);
  expect(content.errortext).toContain(`still on it: vm-${machine.slice(0, 8)}; remove them first`);
  const asked = await h.call('deleteKubernetesCluster', { id }, h.users.U);
  const { content: job } = await h.call('queryAsyncJobResult', { jobid: asked.content.jobid as string }, h.users.U);
  expect(job).toMatchObject({ jobstatus: 2, jobresult: { errorcode: 530, errortext: content.errortext as string } });
  expect(await h.db('operation').where({ cluster_id: id })).toEqual([]);
});

test('of a create that lacks a variable of its CNI configuration is the refusal', async () => {
  const registered = await h.call(
    'registerCniConfiguration',
    { name: 'needs', params: 'PEER', cniconfig: Buffer.from('#cloud-config\nruncmd:\n  - echo {{ ds.meta_data.PEER }}\n').toString('base64') },
    h.users.U,
  ); // prettier-ignore
  const { status, content } = await dry('createKubernetesCluster', {
    name: 'c', size: '1', cniconfigurationid: registered.content.cniconfig.id,
    zoneid: await first('listZones', 'zone'),
    kubernetesversionid: await first('listKubernetesSupportedVersions', 'kubernetessupportedversion'),
    serviceofferingid: await first('listServiceOfferings', 'serviceoffering'),
  }); // prettier-ignore
  expect(status).not.toBe(200);
  expect(content.errortext).toContain('PEER');
});
