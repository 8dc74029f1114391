import { randomUUID } from 'node:crypto';
import { Harness, type TestUser } from './harness.js';

let h: Harness;
const ids: Record<string, string> = {};
const mine = randomUUID();
beforeAll(async () => {
  h = await Harness.start();
  const first = async (command: string, key: string) => (await h.call(command)).content[key][0].id as string;
  ids['zoneid'] = await first('listZones', 'zone');
  ids['kubernetesversionid'] = await first('listKubernetesSupportedVersions', 'kubernetessupportedversion');
  ids['serviceofferingid'] = await first('listServiceOfferings', 'serviceoffering');
  const { id, ...standard } = await h.db('vm_template').where({ kind: 'TEMPLATE', for_cks: 1 }).first<{ id: number }>();
  await h
    .db('vm_template')
    .insert({ ...standard, uuid: mine, name: 'mine', public: 0, account_id: h.users.other.accountId });
  await h.db('vm_template').where({ id }).update({ public: 0 });
});
afterAll(() => h.stop());

const plan = async (user: TestUser, more: Record<string, string> = {}) => {
  const reply = await h.call(
    'createKubernetesCluster',
    { ...ids, name: 'c', size: '1', dryrun: 'true', ...more },
    user,
  );
  return reply.status === 200 ? 'planned' : String(reply.content.errortext);
};

test('a private template is for its owner alone: others neither get it by default nor by its id', async () => {
  const byId = { 'nodetemplates[0].node': 'worker', 'nodetemplates[0].template': mine };
  expect(await plan(h.users.other)).toBe('planned');
  expect(await plan(h.users.other, byId)).toBe('planned');
  expect(await plan(h.users.U)).toContain('Not able to find a template for Kubernetes nodes');
  await h.db('vm_template').where({ kind: 'TEMPLATE' }).whereNot({ uuid: mine }).update({ public: 1 });
  expect(await plan(h.users.U)).toBe('planned');
  expect(await plan(h.users.U, byId)).toContain(`nodetemplates: there is no template ${mine}`);
});
