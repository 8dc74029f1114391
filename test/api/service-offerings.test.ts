import { addCluster } from './fixtures.js';
import { Harness, type Reply } from './harness.js';

let h: Harness;
let zoneid: string;
let kubernetesversionid: string;
beforeAll(async () => {
  h = await Harness.start();
  zoneid = (await h.call('listZones')).content.zone[0].id as string;
  kubernetesversionid = (await h.call('listKubernetesSupportedVersions')).content.kubernetessupportedversion[0].id as string; // prettier-ignore
});
afterAll(() => h.stop());

const make = (more: Record<string, string> = {}) =>
  h.call('createServiceOffering', { name: 'nodes', displaytext: 'for nodes', cpunumber: '4', memory: '8192', ...more });
const refused = (reply: Reply, status = 431): string => {
  expect([reply.content.errortext, reply.status]).toEqual([reply.content.errortext, status]);
  return String(reply.content.errortext);
};
const planOf = (serviceofferingid: string) =>
  h.call('createKubernetesCluster', { name: 'c', zoneid, kubernetesversionid, serviceofferingid, size: '1', dryrun: 'true' }, h.users.U); // prettier-ignore

test('an offering is made, listed to everyone, changed, taken out of use and deleted; each leaves an event', async () => {
  const made = await make({ cpuspeed: '2500', hosttags: 'ssd,fast' });
  expect(made.content.serviceoffering).toMatchObject({
    name: 'nodes', displaytext: 'for nodes', cpunumber: 4, cpuspeed: 2500, memory: 8192, hosttags: 'ssd,fast', state: 'Active', iscustomized: false,
  }); // prettier-ignore
  const id = made.content.serviceoffering.id as string;
  expect((await h.call('listServiceOfferings', { id }, h.users.U)).content.serviceoffering).toEqual([made.content.serviceoffering]); // prettier-ignore
  expect(refused(await make({ name: 'NODES' }))).toContain('a service offering named nodes already');

  const changed = await h.call('updateServiceOffering', { id, name: 'nodes-4', displaytext: 'x', hosttags: '' });
  expect(changed.content.serviceoffering).toMatchObject({ id, name: 'nodes-4', displaytext: 'x', cpunumber: 4 });
  expect(changed.content.serviceoffering.hosttags).toBeUndefined();

  expect((await planOf(id)).status).toBe(200);
  await h.call('updateServiceOffering', { id, state: 'inactive' });
  expect((await h.call('listServiceOfferings', { name: 'nodes-4' })).content).toEqual({});
  expect(refused(await planOf(id), 530)).toContain('nodes-4 for worker nodes is Inactive');
  expect((await h.call('updateServiceOffering', { id, state: 'Active' })).content.serviceoffering.state).toBe('Active');

  const cluster = await addCluster(h.db, h.users.U, { name: 'keeps', service_offering_id: id });
  expect((await h.call('deleteServiceOffering', { id })).content).toEqual({ success: true });
  expect(refused(await h.call('deleteServiceOffering', { id }))).toContain('was deleted already');
  expect(refused(await h.call('updateServiceOffering', { id, name: 'again' }))).toContain('was deleted');
  expect((await h.call('listServiceOfferings', { id })).content).toEqual({});
  expect(refused(await planOf(id), 530)).toContain('No service offering for worker nodes');
  // Those who have it keep it, and its name is free.
  const [shown] = (await h.call('listKubernetesClusters', { id: cluster.uuid }, h.users.U)).content.kubernetescluster;
  expect(shown).toMatchObject({ serviceofferingid: id, serviceofferingname: 'nodes-4' });
  expect((await make({ name: 'nodes-4' })).status).toBe(200);

  const events = await h.db('event').where({ resource_id: id }).orderBy('id').select<{ type: string }[]>('type');
  expect(events.map(({ type }) => type)).toEqual([
    'SERVICE.OFFERING.CREATE', ...Array(3).fill('SERVICE.OFFERING.EDIT'), 'SERVICE.OFFERING.DELETE',
  ]); // prettier-ignore
});

test.each<[Record<string, string>, string]>([
  [{ cpunumber: '0' }, 'cpunumber must be a whole number from 1 to 1024, found 0'],
  [{ memory: '-5' }, 'memory must be a whole number from 1'],
  [{ cpuspeed: '0' }, 'cpuspeed must be'],
  [{ name: 'a<b' }, 'name must not hold control characters'],
  [{ name: ' x' }, 'name must not begin or end with a blank'],
  [{ displaytext: ' ' }, 'displaytext must not be empty'],
  [{ hosttags: 'a b' }, 'a host tag must be of letters'],
  [{ storagetype: 'local' }, 'storagetype must be shared, found "local"'],
  [{ customized: 'true' }, 'customized=true is not available'],
  [{ offerha: 'true' }, 'offerha=true is not available'],
  [{ rootdisksize: '20' }, 'noderootdisksize'],
  [{ tags: 'ssd' }, 'tags (of storage) are not available'],
  [{ domainid: 'x' }, 'domainid is not available'],
  [{ zoneid: 'x' }, 'zoneid is not available'],
])('an offering with %j is refused', async (wish, words) => {
  expect(refused(await make({ name: 'odd', ...wish }))).toContain(words);
});

test('an offering needs its size', async () => {
  const { cpunumber, ...rest } = { name: 'odd', cpunumber: '2', memory: '2048' };
  expect(refused(await h.call('createServiceOffering', rest))).toContain('cpunumber must be');
  expect(refused(await h.call('createServiceOffering', { name: 'odd', cpunumber }))).toContain('memory must be');
});

test('a cluster is not scaled to an offering that is out of use', async () => {
  const id = (await make({ name: 'old' })).content.serviceoffering.id as string;
  await h.call('updateServiceOffering', { id, state: 'Inactive' });
  const { uuid } = await addCluster(h.db, h.users.U, { name: 'scales' });
  const asked = { id: uuid, serviceofferingid: id, dryrun: 'true' };
  expect(refused(await h.call('scaleKubernetesCluster', asked, h.users.U), 530)).toContain('old is Inactive');
});
