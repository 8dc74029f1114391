import { randomUUID } from 'node:crypto';
import { now } from '../../db/knex.js';
import { Secret, writeSecret } from '../../db/secret.js';
import { addCluster, addJob, type MadeCluster } from './fixtures.js';
import { Harness } from './harness.js';

let h: Harness;
let made: MadeCluster;
beforeAll(async () => {
  h = await Harness.start();
  made = await addCluster(h.db, h.users.U, { name: 'c1', minsize: 1, maxsize: 3, key_pair: 'mine' }, [
    'control',
    'worker',
    'worker',
    'etcd',
  ]);
});
afterAll(() => h.stop());

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever the server said
const show = async (params: Record<string, string> = {}, user = h.users.U): Promise<any> =>
  (await h.call('listKubernetesClusters', params, user)).content.kubernetescluster?.[0];

test('a cluster as every client needs it', async () => {
  const cluster = await show();
  expect(cluster).toMatchObject({
    id: made.uuid, name: 'c1', description: 'c1', state: 'Running', clustertype: 'CloudManaged', size: 2, controlnodes: 1, masternodes: 1, etcdnodes: 1,
    cpunumber: '4', memory: '4096', endpoint: 'https://127.80.1.2:6443/', autoscalingenabled: false, csienabled: false, hasannotations: false, zonename: 'sim-1',
    account: 'user', domain: 'qa', domainpath: 'ROOT/eng/qa', serviceofferingname: 'small', templatename: 'cks-debian-12-simulated', associatednetworkname: 'c1-network',
    networkid: made.networkId, ipaddressid: made.addressId, kubernetesversionname: 'v1.32.9', keypair: 'mine', minsize: 1, maxsize: 3, etcdips: { [made.addressId]: '10.1.0.13' },
  }); // prettier-ignore
  expect(cluster.created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/);
  expect(cluster).not.toHaveProperty('projectid');
  expect(cluster).not.toHaveProperty('operation');
  expect((cluster.virtualmachines as { name: string }[]).map(({ name }) => name)).toEqual([
    'c1-control-0',
    'c1-worker-1',
    'c1-worker-2',
    'c1-etcd-3',
  ]);
  const [control, , , etcd] = cluster.virtualmachines;
  expect(control).toMatchObject({
    isexternalnode: false,
    isetcdnode: false,
    kubernetesnodeversion: '1.32.9',
    state: 'Running',
    vmtype: 'cksnode',
    ipaddress: '10.1.0.10',
    username: 'user',
  });
  expect(control.nic).toEqual([
    expect.objectContaining({
      networkid: made.networkId,
      ipaddress: '10.1.0.10',
      netmask: '255.255.255.0',
      gateway: '10.1.0.1',
      isdefault: true,
      deviceid: '0',
      secondaryip: [],
    }),
  ]);
  expect(etcd).not.toHaveProperty('kubernetesnodeversion');
  for (const absent of [
    'cpunumber',
    'memory',
    'serviceofferingid',
    'templateid',
    'hostid',
    'instancename',
    'domainpath',
  ])
    expect(control).not.toHaveProperty(absent);
  const [seenByAdmin] = (await show({ id: made.uuid }, h.users.A)).virtualmachines;
  expect(seenByAdmin).toMatchObject({ hostname: 'host-1', arch: 'x86_64' });
});

test('name matches exactly, keyword in part, neither by pattern', async () => {
  expect(await show({ name: 'c1' })).toBeDefined();
  expect(await show({ name: 'c' })).toBeUndefined();
  expect(await show({ keyword: 'c' })).toBeDefined();
  expect(await show({ keyword: '%' })).toBeUndefined();
  expect(await show({ state: 'Running' })).toBeDefined();
  expect(await show({ state: 'NoSuchState' })).toBeUndefined();
  expect(await show({ clustertype: 'CloudManaged' })).toBeDefined();
  const wrong = await h.call('listKubernetesClusters', { clustertype: 'Other' }, h.users.U);
  expect([wrong.status, wrong.content.cserrorcode]).toEqual([530, 9999]);
});

test('a cluster that is being worked on names the operation', async () => {
  const operation = randomUUID();
  await h.db('operation').insert({
    uuid: operation, root_id: operation, attempt: 1, kind: 'delete', mode: 'run', cluster_id: made.uuid, active_cluster_id: made.uuid, state: 'running', from_state: 'Running', job_id: randomUUID(),
    account_id: h.users.U.accountId, user_id: h.users.U.userId, settings: '{}', pause_requested: 0, created: now(h.db),
  }); // prettier-ignore
  expect(await show()).toMatchObject({ operation: 'delete', operationid: operation });
  await h.db('operation').where({ uuid: operation }).update({ active_cluster_id: null });
  expect(await show()).not.toHaveProperty('operation');
});

test('the number of queries does not grow with the clusters', async () => {
  const count = async () => {
    let queries = 0;
    const counted = () => void queries++;
    h.db.on('query', counted);
    const reply = await h.call('listKubernetesClusters', { listall: 'true' });
    h.db.off('query', counted);
    return { queries, clusters: reply.content.count as number };
  };
  await h.call('listZones');
  const few = await count();
  for (let i = 0; i < 12; i++) await addCluster(h.db, h.users.D, { name: `many-${i}` });
  const many = await count();
  expect(many.clusters).toBe(few.clusters + 12);
  expect(many.queries).toBeLessThanOrEqual(few.queries + 1);
});

test('a removed cluster lists empty, one that never was is an error', async () => {
  const gone = await addCluster(h.db, h.users.U, { name: 'gone', state: 'Destroyed' }, []);
  await h
    .db('kubernetes_cluster')
    .where({ uuid: gone.uuid })
    .update({ removed: now(h.db) });
  expect((await h.call('listKubernetesClusters', { id: gone.uuid }, h.users.U)).body).toEqual({
    listkubernetesclustersresponse: {},
  });
  const never = await h.call('listKubernetesClusters', { id: randomUUID() }, h.users.U);
  expect(never.status).toBe(431);
  expect(never.content.errortext).toMatch(
    /Invalid parameter id value=[0-9a-f-]+ due to incorrect long value format, or entity does not exist/,
  );
});

describe('getKubernetesClusterConfig', () => {
  const config = (params: Record<string, string>, user = h.users.U) =>
    h.call('getKubernetesClusterConfig', params, user);

  test('says that there is none yet, and why', async () => {
    expect((await config({ id: made.uuid })).content).toMatchObject({
      errorcode: 530,
      cserrorcode: 9999,
      errortext: 'Config not found for Kubernetes cluster : c1',
    });
    await h.db('kubernetes_cluster').where({ uuid: made.uuid }).update({ state: 'Starting' });
    expect((await config({ id: made.uuid })).content.errortext).toContain('Setup is in progress');
    await h.db('kubernetes_cluster').where({ uuid: made.uuid }).update({ state: 'Running' });
  });
  test('gives the text as it was stored', async () => {
    await writeSecret(h.db, h.sealer, `cluster/${made.uuid}`, 'kubeconfig', new Secret('apiVersion: v1\n'));
    expect((await config({ id: made.uuid })).body).toEqual({
      getkubernetesclusterconfigresponse: {
        clusterconfig: { id: made.uuid, name: 'c1', configdata: 'apiVersion: v1\n' },
      },
    });
  });
  test('without id, and for another’s cluster, is 530', async () => {
    expect((await config({})).status).toBe(530);
    expect((await config({ id: made.uuid }, h.users.other)).content).toMatchObject({
      errorcode: 530,
      errortext: 'Caller does not have permission to operate with provided resource.',
    });
    expect((await config({ id: made.uuid }, h.users.D)).status).toBe(200);
  });
});

describe('jobs', () => {
  const query = (jobid: string, user = h.users.U) => h.call('queryAsyncJobResult', { jobid }, user);

  test('pending: no result yet', async () => {
    const id = await addJob(h.db, h.users.U, { status: 0 });
    const { content } = await query(id);
    expect(content).toMatchObject({
      jobid: id,
      jobstatus: 0,
      jobprocstatus: 0,
      jobresultcode: 0,
      account: 'user',
      domainpath: 'ROOT/eng/qa',
      jobinstancetype: 'KubernetesCluster',
    });
    expect(content).not.toHaveProperty('jobresult');
    expect(content).not.toHaveProperty('completed');
    expect((await h.call('listAsyncJobs', {}, h.users.U)).content.asyncjobs).toHaveLength(1);
  });
  test('done: the object under its name, as it is now, removed or not', async () => {
    const id = await addJob(h.db, h.users.U, { status: 1, result: { object: 'kubernetescluster', id: made.uuid } });
    const { content } = await query(id);
    expect(content).toMatchObject({ jobstatus: 1, jobresultcode: 0, jobresulttype: 'object' });
    expect(Object.keys(content.jobresult)).toEqual(['kubernetescluster']);
    expect(content.jobresult.kubernetescluster.virtualmachines).toHaveLength(4);
    await h
      .db('kubernetes_cluster')
      .where({ uuid: made.uuid })
      .update({ removed: now(h.db) });
    expect((await query(id)).content.jobresult.kubernetescluster.name).toBe('c1');
    await h.db('kubernetes_cluster').where({ uuid: made.uuid }).update({ removed: null });
  });
  test('success only', async () => {
    expect(
      (await query(await addJob(h.db, h.users.U, { status: 1, result: { success: true } }))).content.jobresult,
    ).toEqual({ success: true });
  });
  test('failed: still 200, and the error as an object', async () => {
    const reply = await query(
      await addJob(h.db, h.users.U, { status: 2, code: 530, result: { errorcode: 530, errortext: 'no' } }),
    );
    expect(reply.status).toBe(200);
    expect(reply.content).toMatchObject({
      jobstatus: 2,
      jobresultcode: 530,
      jobresulttype: 'object',
      jobresult: { errorcode: 530, errortext: 'no' },
    });
  });
  test('another account’s job is 531, an unknown one 431', async () => {
    const id = await addJob(h.db, h.users.U, { status: 0 });
    expect((await query(id, h.users.other)).status).toBe(531);
    expect((await query(id, h.users.D)).status).toBe(200);
    expect((await query(randomUUID())).status).toBe(431);
  });
});
