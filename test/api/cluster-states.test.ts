import { CLUSTER_STATES, type ClusterState } from '../../workflows/model/states.js';
import { addCluster, type MadeCluster } from './fixtures.js';
import { Harness } from './harness.js';

/**
 * What each command does to a cluster in each state (`behaviour.md` §3.2, §3.4, design §5 "states"): it begins, or succeeds without work, or
 * is refused. States that are not named refuse it.
 */
const TABLE: Record<string, { begins: ClusterState[]; done?: ClusterState[] }> = {
  startKubernetesCluster: { begins: ['Stopped', 'Alert'], done: ['Running', 'Starting'] },
  stopKubernetesCluster: { begins: ['Running', 'Alert'], done: ['Stopped', 'Stopping'] },
  'scaleKubernetesCluster size': { begins: ['Running'] },
  'scaleKubernetesCluster nodeids': { begins: ['Running'] },
  'scaleKubernetesCluster serviceofferingid': { begins: ['Running', 'Stopped'] },
  upgradeKubernetesCluster: { begins: ['Running'] },
  addNodesToKubernetesCluster: { begins: ['Running', 'Alert'] },
  removeNodesFromKubernetesCluster: { begins: ['Running', 'Alert'] },
  replaceKubernetesNode: { begins: ['Running', 'Alert'] },
  deleteKubernetesCluster: { begins: CLUSTER_STATES.filter((state) => state !== 'Destroyed') },
};

let h: Harness;
let cluster: MadeCluster;
let guest: { inside: string; beside: string };
let ids: { large: string; next: string };
beforeAll(async () => {
  h = await Harness.start();
  cluster = await addCluster(h.db, h.users.U, { name: 'c' }, ['control', 'worker', 'worker', 'worker']);
  const [, , inside = '', beside = ''] = cluster.machineIds;
  guest = { inside, beside };
  await h.db('vm_instance').whereIn('uuid', [inside, beside]).update({ vm_type: 'user' });
  await h.db('kubernetes_cluster_vm_map').where({ vm_id: inside }).update({ external_node: 1 });
  await h.db('kubernetes_cluster_vm_map').where({ vm_id: beside }).delete();
  await h.db('kubernetes_cluster').where({ uuid: cluster.uuid }).update({ node_count: 2 });
  const first = async (table: string, where: object) => (await h.db(table).where(where).first<{ uuid: string }>('uuid')).uuid; // prettier-ignore
  const versions = await h.db('kubernetes_supported_version').orderBy('id').select<{ uuid: string }[]>('uuid');
  ids = { large: await first('service_offering', { name: 'large' }), next: versions[1]!.uuid };
});
afterAll(() => h.stop());

const parametersOf = (name: string): Record<string, string> => {
  const all: Record<string, Record<string, string>> = {
    'scaleKubernetesCluster size': { size: '3' },
    'scaleKubernetesCluster nodeids': { nodeids: cluster.machineIds[1]! },
    'scaleKubernetesCluster serviceofferingid': { serviceofferingid: ids.large },
    upgradeKubernetesCluster: { kubernetesversionid: ids.next },
    addNodesToKubernetesCluster: { nodeids: guest.beside },
    removeNodesFromKubernetesCluster: { nodeids: guest.inside },
    replaceKubernetesNode: { nodeid: cluster.machineIds[1]! },
  };
  return { id: cluster.uuid, ...all[name] };
};
const cases = Object.entries(TABLE).flatMap(([name, { begins, done = [] }]) =>
  CLUSTER_STATES.map((state) => {
    const what = begins.includes(state) ? 'begins' : done.includes(state) ? 'succeeds without work' : 'is refused';
    return [name, state, what] as const;
  }),
);

test.each(cases)('%s on a cluster that is %s %s', async (name, state, what) => {
  const [command = ''] = name.split(' ');
  const isDelete = command === 'deleteKubernetesCluster';
  // The user's machines would keep the network from being deleted.
  await h
    .db('vm_instance')
    .where({ uuid: guest.beside })
    .update({ removed: isDelete ? h.db.fn.now() : null });
  await h
    .db('kubernetes_cluster_vm_map')
    .where({ vm_id: guest.inside })
    .update({ external_node: isDelete ? 0 : 1 });
  await h.db('kubernetes_cluster').where({ uuid: cluster.uuid }).update({ state });
  const before = await h.db('operation').count({ n: '*' });
  const { content } = await h.call(command, parametersOf(name), h.users.U);
  const job = (await h.call('queryAsyncJobResult', { jobid: content.jobid as string }, h.users.U)).content as {
    jobstatus: number;
    jobresult?: { errortext?: string };
  };
  const after = await h.db('operation').count({ n: '*' });
  const begun = JSON.stringify(before) !== JSON.stringify(after);
  await h.db('operation').delete();
  expect([job.jobstatus, begun]).toEqual(
    { begins: [0, true], 'succeeds without work': [1, false], 'is refused': [2, false] }[what],
  );
  if (what === 'is refused') expect(job.jobresult?.errortext).toContain(state);
});

test('removeNodesFromKubernetesCluster leaves a cluster its last worker', async () => {
  await h.db('vm_instance').where({ uuid: guest.beside }).update({ removed: null });
  await h.db('kubernetes_cluster').where({ uuid: cluster.uuid }).update({ state: 'Running' });
  await h.db('kubernetes_cluster_vm_map').where({ cluster_id: cluster.uuid, role: 'worker' }).update({ external_node: 1 });
  const remove = async (...nodeids: string[]) => {
    const { content } = await h.call('removeNodesFromKubernetesCluster', { id: cluster.uuid, nodeids: nodeids.join() }, h.users.U);
    return (await h.call('queryAsyncJobResult', { jobid: content.jobid as string }, h.users.U)).content as { jobstatus: number; jobresult?: { errortext?: string } };
  };
  const workers = await h.db('kubernetes_cluster_vm_map').where({ cluster_id: cluster.uuid, role: 'worker' }).select<{ vm_id: string }[]>('vm_id');
  expect((await remove(...workers.map(({ vm_id }) => vm_id))).jobresult?.errortext).toContain('would have no worker left');
  expect((await remove(guest.inside)).jobstatus).toBe(0);
}); // prettier-ignore

test('nodes that a failed operation left half-made are its own: a scale or an upgrade beside them names it, and begins once it was cancelled', async () => {
  await h.db('operation').delete();
  await h.db('kubernetes_cluster').where({ uuid: cluster.uuid }).update({ state: 'Running' });
  const ask = async (name: string) => {
    const { content } = await h.call(name.split(' ')[0]!, parametersOf(name), h.users.U);
    return (await h.call('queryAsyncJobResult', { jobid: content.jobid as string }, h.users.U)).content as { jobstatus: number; jobresult?: { errortext?: string } };
  };
  await ask('addNodesToKubernetesCluster');
  const added = (await h.db('operation').first<{ uuid: string }>('uuid')).uuid;
  await h.db('operation').update({ state: 'failed', active_cluster_id: null });
  await h.db('kubernetes_cluster').where({ uuid: cluster.uuid }).update({ state: 'Running' });
  await h.db('kubernetes_cluster_vm_map').where({ vm_id: guest.inside }).update({ added_by: added, phase: 'installed' });
  for (const name of ['scaleKubernetesCluster size', 'upgradeKubernetesCluster'])
    expect((await ask(name)).jobresult?.errortext).toContain(`a failed addNodes left half-made: resume or cancel operation ${added} first`);
  await h.db('operation').update({ state: 'cancelled' });
  expect((await ask('scaleKubernetesCluster size')).jobstatus).toBe(0);
}); // prettier-ignore
