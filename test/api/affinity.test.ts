import { addCluster } from './fixtures.js';
import { Harness, type Reply, type TestUser } from './harness.js';

let h: Harness;
beforeAll(async () => {
  h = await Harness.start();
});
afterAll(() => h.stop());

const refused = (reply: Reply, status: number): string => {
  expect([reply.content.errortext, reply.status]).toEqual([reply.content.errortext, status]);
  return String(reply.content.errortext);
};
const result = async (reply: Reply, user: TestUser = h.users.A): Promise<Record<string, unknown>> => {
  expect([reply.content.errortext, reply.status]).toEqual([undefined, 200]);
  const job = (await h.call('queryAsyncJobResult', { jobid: reply.content.jobid as string }, user)).content;
  expect(job.jobstatus).toBe(1);
  return job.jobresult as Record<string, unknown>;
};
const namesOf = (items: unknown): string[] => ((items ?? []) as { name: string }[]).map(({ name }) => name);
const make = (name: string, user: TestUser, more: Record<string, string> = {}) =>
  h.call('createAffinityGroup', { name, type: 'host anti-affinity', ...more }, user);
const id = async (name: string, user: TestUser, type = 'host anti-affinity'): Promise<string> =>
  (await make(name, user, { type })).content.id as string;

describe('affinity groups', () => {
  test('are made by a job that shows them, listed by their owner, and deleted by name', async () => {
    const reply = await make('web', h.users.U, { type: 'Host Anti-Affinity', description: 'one per host' });
    const { affinitygroup } = await result(reply, h.users.U);
    expect(affinitygroup).toMatchObject({ id: reply.content.id, name: 'web', type: 'host anti-affinity', description: 'one per host', account: 'user', virtualmachineIds: [] }); // prettier-ignore
    const listed = async (user: TestUser, more: Record<string, string> = {}) =>
      namesOf((await h.call('listAffinityGroups', more, user)).content.affinitygroup);
    expect(await listed(h.users.U)).toEqual(['web']);
    expect(await listed(h.users.other)).toEqual([]);
    expect(await listed(h.users.D)).toEqual([]);
    expect(await listed(h.users.D, { listall: 'true' })).toEqual(['web']);
    expect(await listed(h.users.U, { type: 'host affinity' })).toEqual([]);
    expect(refused(await h.call('deleteAffinityGroup', { id: reply.content.id as string }, h.users.other), 531)).toContain('permission'); // prettier-ignore
    expect(refused(await h.call('deleteAffinityGroup', { name: 'web' }, h.users.other), 431)).toContain('Unable to find affinity group web'); // prettier-ignore
    expect(await result(await h.call('deleteAffinityGroup', { name: 'web' }, h.users.U), h.users.U)).toEqual({ success: true }); // prettier-ignore
    expect(await listed(h.users.U)).toEqual([]);
  });

  test.each([
    [{ type: 'host love' }, 'no Affinity Group Types configured for type host love'],
    [{ type: 'ExplicitDedication' }, 'no Affinity Group Types configured'],
    [{ type: 'constructor' }, 'no Affinity Group Types configured'],
    [{ name: 'a<b' }, 'name must not hold'],
    [{ name: ' ' }, 'name must not be empty'],
    [{ name: 'x'.repeat(101) }, 'name must have 100 characters at most'],
    [{ name: 'dedicatedgrp-x' }, 'name must not begin with DedicatedGrp-'],
    [{ account: 'nobody', domainid: 'ROOT' }, ''],
  ])('refuse %j', async (more: Record<string, string>, text) => {
    expect(refused(await make('g', h.users.A, more), 431)).toContain(text);
  });

  test('have names of their own, and are named by id or name, not both', async () => {
    const group = await id('twice', h.users.U);
    expect(refused(await make('TWICE', h.users.U), 431)).toContain('a group with name TWICE already exists');
    expect(refused(await h.call('deleteAffinityGroup', { id: group, name: 'twice' }, h.users.U), 431)).toContain('not both'); // prettier-ignore
    expect(refused(await h.call('deleteAffinityGroup', {}, h.users.U), 431)).toContain('must be given');
  });

  test('have the types that listAffinityGroupTypes tells', async () => {
    const { count, affinityGroupType } = (await h.call('listAffinityGroupTypes', {}, h.users.U)).content;
    expect(count).toBe(4);
    expect(affinityGroupType).toContainEqual({ type: 'host anti-affinity' });
  });
});

describe('updateKubernetesClusterAffinityGroups', () => {
  const update = (cluster: string, groups: Record<string, string>, user = h.users.U) =>
    h.call('updateKubernetesClusterAffinityGroups', { id: cluster, ...Object.fromEntries(Object.entries(groups).flatMap(([node, ids], i) => [[`nodeaffinitygroups[${i}].node`, node], [`nodeaffinitygroups[${i}].affinitygroup`, ids]])) }, user); // prettier-ignore

  test('replaces the groups of a stopped cluster, which then are its nodes’, and without any takes all away', async () => {
    const cluster = await addCluster(h.db, h.users.U, { name: 'grouped', state: 'Stopped' });
    const [a, b] = [await id('apart', h.users.U), await id('near', h.users.U, 'host affinity')];
    const first = (await update(cluster.uuid, { worker: `${a},${b}`, control: a })).content.kubernetescluster;
    expect(first).toMatchObject({ id: cluster.uuid, workeraffinitygroupids: `${a},${b}`, workeraffinitygroupnames: 'apart,near', controlaffinitygroupids: a, controlaffinitygroupnames: 'apart' }); // prettier-ignore
    expect(first).not.toHaveProperty('etcdaffinitygroupids');
    const [listed] = (await h.call('listKubernetesClusters', { id: cluster.uuid }, h.users.U)).content.kubernetescluster; // prettier-ignore
    expect(listed).toEqual(first);
    const groups = (await h.call('listAffinityGroups', { name: 'apart' }, h.users.U)).content.affinitygroup;
    expect(groups[0].virtualmachineIds).toEqual(cluster.machineIds);
    const [, worker] = cluster.machineIds;
    const ofMachine = (await h.call('listAffinityGroups', { virtualmachineid: worker! }, h.users.U)).content;
    expect(namesOf(ofMachine.affinitygroup)).toEqual(['apart', 'near']);
    expect(refused(await h.call('deleteAffinityGroup', { id: a }, h.users.U), 431)).toContain('is used by Kubernetes clusters: grouped'); // prettier-ignore
    const second = (await update(cluster.uuid, {})).content.kubernetescluster;
    expect(Object.keys(second).filter((name) => name.includes('affinity'))).toEqual([]);
    const events = await h.db('event').where({ type: 'KUBERNETES.CLUSTER.AFFINITY.UPDATE', resource_id: cluster.uuid });
    expect(events).toHaveLength(2);
  });

  test('is refused unless the cluster is stopped, ours to run, idle, and the groups are its owner’s', async () => {
    const group = await id('mine', h.users.U);
    const theirs = await id('theirs', h.users.other);
    const running = await addCluster(h.db, h.users.U, { name: 'running' });
    expect(refused(await update(running.uuid, { worker: group }), 530)).toContain('it is Running, expected Stopped');
    const external = await addCluster(h.db, h.users.U, { name: 'external', state: 'Stopped', cluster_type: 'ExternalManaged' }); // prettier-ignore
    expect(refused(await update(external.uuid, { worker: group }), 530)).toContain('expected CloudManaged');
    const stopped = await addCluster(h.db, h.users.U, { name: 'stopped', state: 'Stopped' });
    expect(refused(await update(stopped.uuid, { worker: theirs }), 530)).toContain('theirs belongs to another account');
    expect(refused(await update(stopped.uuid, { worker: stopped.uuid }), 530)).toContain(
      'Unable to find affinity group',
    );
    expect(refused(await update(stopped.uuid, { default: group }), 530)).toContain(
      'node must be control, worker or etcd',
    );
    expect((await update(stopped.uuid, { worker: group }, h.users.other)).status).toBe(531);
    await h.db('operation').insert({ uuid: 'op', root_id: 'op', attempt: 1, kind: 'start', mode: 'run', cluster_id: stopped.uuid, active_cluster_id: stopped.uuid, state: 'queued', from_state: 'Stopped', job_id: 'j', account_id: 'a', user_id: 'u', settings: '{}', pause_requested: 0, created: '2026-01-01 00:00:00.000' }); // prettier-ignore
    expect(refused(await update(stopped.uuid, { worker: group }), 530)).toContain('its operation start is running');
  });
});

describe('dedicated hosts', () => {
  test('are dedicated and released by jobs, and listed', async () => {
    const [host] = (await h.call('listHosts', { name: 'host-3' })).content.host;
    const dedicate = (more: Record<string, string> = {}) => h.call('dedicateHost', { hostid: host.id as string, domainid: h.users.U.domainId, account: 'user', ...more }); // prettier-ignore
    expect(refused(await dedicate({ account: 'nobody' }), 431)).toContain('Unable to find account nobody in domain qa');
    const dedicated = await result(await dedicate());
    expect(dedicated).toMatchObject({ count: 1, dedicatedhost: [{ hostid: host.id, hostname: 'host-3', domainid: h.users.U.domainId, accountid: h.users.U.accountId }] }); // prettier-ignore
    const [{ affinitygroupid: group }] = dedicated['dedicatedhost'] as [{ affinitygroupid: string }];
    expect((await h.call('listDedicatedHosts', { affinitygroupid: group })).content).toEqual(dedicated);
    expect((await h.call('listDedicatedHosts', { account: 'user', domainid: h.users.U.domainId })).content.count).toBe(1); // prettier-ignore
    expect((await h.call('listDedicatedHosts', { account: 'nobody' })).content).toEqual({});
    expect((await h.call('listHosts', { name: 'host-3' })).content.host[0]).toMatchObject({ affinitygroupid: group });
    expect(refused(await dedicate(), 431)).toContain('Host host-3 is already dedicated');
    expect(refused(await h.call('deleteAffinityGroup', { id: group }), 431)).toContain(
      'releaseDedicatedHost removes it',
    );
    expect((await h.call('listDedicatedHosts', {}, h.users.D)).status).toBe(432);
    expect(await result(await h.call('releaseDedicatedHost', { hostid: host.id as string }))).toEqual({
      success: true,
    });
    expect(refused(await h.call('releaseDedicatedHost', { hostid: host.id as string }), 431)).toContain(
      'is not dedicated',
    );
    expect((await h.call('listDedicatedHosts')).content).toEqual({});
  });
});
