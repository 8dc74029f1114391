import { addCluster } from './fixtures.js';
import { Harness } from './harness.js';

let h: Harness;
beforeAll(async () => {
  h = await Harness.start();
});
afterAll(() => h.stop());

const base64 = (text: string) => Buffer.from(text).toString('base64');
const CALICO = base64('#cloud-config\n   - echo {{ AS_NUMBER }} {{ ds.meta_data.peer }}\n');
const register = (params: Record<string, string>, user = h.users.U) =>
  h.post('registerCniConfiguration', { cniconfig: CALICO, ...params }, user);

test('a configuration is registered, listed and deleted', async () => {
  const made = (await register({ name: 'calico', params: 'peer, asn' })).content.cniconfig;
  expect(made).toEqual({
    id: made.id, name: 'calico', userdata: CALICO, params: 'peer,asn', account: 'user', domainid: h.users.U.domainId, domain: 'qa', domainpath: 'ROOT/eng/qa', hasannotations: false,
  }); // prettier-ignore
  expect((await h.call('listCniConfiguration', { name: 'calico' }, h.users.U)).content).toEqual({
    count: 1,
    cniconfig: [made],
  });
  expect((await h.call('listCniConfiguration', { id: made.id }, h.users.other)).content).toEqual({});
  expect((await h.call('deleteCniConfiguration', { id: made.id }, h.users.other)).status).toBe(531);
  expect((await h.call('deleteCniConfiguration', { id: made.id }, h.users.U)).body).toEqual({
    deletecniconfigurationresponse: { success: true },
  });
  expect((await h.call('deleteCniConfiguration', { id: made.id }, h.users.U)).status).toBe(431);
  const events = (await h.call('listEvents', {}, h.users.U)).content.event as { type: string }[];
  expect(events.map(({ type }) => type)).toEqual(['DELETE.CNI.CONFIG', 'REGISTER.CNI.CONFIG']);
});

test('names are shared with user data, per account; the lists are not', async () => {
  expect((await register({ name: 'one' })).status).toBe(200);
  for (const command of ['registerUserData', 'registerCniConfiguration']) {
    const again = await h.post(command, { name: 'ONE', userdata: CALICO, cniconfig: CALICO }, h.users.U);
    expect([again.status, again.content.cserrorcode]).toEqual([431, 4350]);
  }
  expect((await register({ name: 'one' }, h.users.other)).status).toBe(200);
  expect((await h.post('registerUserData', { name: 'two', userdata: CALICO }, h.users.U)).content.userdata.name).toBe('two'); // prettier-ignore
  await register({ name: 'three' });
  const names = async (command: string, key: string) =>
    ((await h.call(command, {}, h.users.U)).content[key] as { name: string }[]).map(({ name }) => name);
  expect(await names('listCniConfiguration', 'cniconfig')).toEqual(['three', 'one']);
  expect(await names('listUserData', 'userdata')).toEqual(['two']);
  const [data] = (await h.call('listUserData', {}, h.users.U)).content.userdata;
  expect((await h.call('deleteCniConfiguration', { id: data.id }, h.users.U)).status).toBe(431);
  expect((await h.call('deleteUserData', { id: data.id }, h.users.U)).status).toBe(200);
});

test.each([
  ['not Base64', { cniconfig: '*** no ***' }, /not Base64/],
  ['empty', { cniconfig: '' }, /cniconfig is missing/],
  ['over 1 MB', { cniconfig: base64('x'.repeat(1_048_577)) }, /more than the 1048576 that a POST may bring/],
  ['a variable that every machine has', { params: 'peer,instance-id' }, /params names instance-id/],
] as const)('%s is refused with 431', async (_, params, words) => {
  const reply = await register({ name: 'bad', ...params });
  expect([reply.status, reply.content.errortext]).toEqual([431, expect.stringMatching(words)]);
});

test('more than 4 KB by GET is refused, by POST it is taken', async () => {
  const cniconfig = base64('#'.repeat(5000));
  const reply = await h.call('registerCniConfiguration', { name: 'long', cniconfig }, h.users.U);
  expect([reply.status, reply.content.errortext]).toEqual([431, expect.stringMatching(/send it by POST/)]);
  expect((await register({ name: 'long', cniconfig })).status).toBe(200);
});

test('one that a cluster was created with stays until the cluster is gone, and the user is told why', async () => {
  const { id } = (await register({ name: 'used' })).content.cniconfig;
  const { uuid } = await addCluster(h.db, h.users.U, { name: 'with-cni', cni_config_id: id });
  const refused = await h.call('deleteCniConfiguration', { id }, h.users.U);
  expect([refused.status, refused.content.cserrorcode, refused.content.errortext]).toEqual([
    530, 4250, 'The CNI configuration used is in use by Kubernetes cluster with-cni: delete these first',
  ]); // prettier-ignore
  await h.db('kubernetes_cluster').where({ uuid }).update({ removed: '2030-01-01 00:00:00.000' });
  expect((await h.call('deleteCniConfiguration', { id }, h.users.U)).status).toBe(200);
});

test('a project owns one', async () => {
  const project = (await h.call('createProject', { name: 'p' }, h.users.U)).content.id;
  const { id } = (await register({ name: 'one', projectid: project })).content.cniconfig;
  expect((await h.call('listCniConfiguration', { projectid: project }, h.users.U)).content.cniconfig).toMatchObject([
    { id, project: 'p' },
  ]);
  expect((await register({ name: 'x', projectid: project }, h.users.other)).status).toBe(531);
  expect((await h.call('deleteCniConfiguration', { id, projectid: project }, h.users.U)).status).toBe(200);
});
