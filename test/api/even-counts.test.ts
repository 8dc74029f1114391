import { addCluster } from './fixtures.js';
import { Harness } from './harness.js';

let h: Harness;
beforeAll(async () => {
  h = await Harness.start();
});
afterAll(() => h.stop());

const first = async (command: string, key: string, more: Record<string, string> = {}) =>
  (await h.call(command, more)).content[key][0].id as string;

test.each([
  [{ controlnodes: '1' }, undefined],
  [{ controlnodes: '3' }, undefined],
  [{ controlnodes: '2' }, '2 control nodes'],
  [{ controlnodes: '2', etcdnodes: '3' }, undefined],
  [{ controlnodes: '1', etcdnodes: '4' }, '4 etcd nodes'],
])('the plan of a create with %j warns: %s', async (counts, words) => {
  const reply = await h.call('createKubernetesCluster', {
    name: 'c', size: '1', dryrun: 'true', ...counts,
    zoneid: await first('listZones', 'zone'),
    kubernetesversionid: await first('listKubernetesSupportedVersions', 'kubernetessupportedversion'),
    serviceofferingid: await first('listServiceOfferings', 'serviceoffering'),
  }); // prettier-ignore
  expect(reply.status).toBe(200);
  const warnings = reply.content.plan.warnings as string[] | undefined;
  if (words === undefined) expect(warnings).toBeUndefined();
  else expect(warnings).toEqual([expect.stringContaining(words)]);
});

test('a cluster with an even count shows the warning, one with an odd count none, and the plan that makes it even warns', async () => {
  const odd = await addCluster(h.db, h.users.U, { name: 'odd' }, ['control', 'control', 'control', 'worker']);
  const even = await addCluster(h.db, h.users.U, { name: 'even' }, ['control', 'control', 'worker']);
  const shown = async (id: string) =>
    (await h.call('listKubernetesClusters', { id }, h.users.U)).content.kubernetescluster[0].warnings as unknown;
  expect(await shown(odd.uuid)).toBeUndefined();
  expect(await shown(even.uuid)).toEqual([expect.stringContaining('2 control nodes')]);
  const asked = { id: odd.uuid, nodeids: odd.machineIds[1]!, dryrun: 'true' };
  const { content } = await h.call('scaleKubernetesCluster', asked, h.users.U);
  expect(content.plan.warnings).toEqual([expect.stringContaining('2 control nodes')]);
});
