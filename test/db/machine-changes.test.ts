import type { Knex } from 'knex';
import { addMachine, placeMachine } from '../../db/add-machine.js';
import { millis, transact } from '../../db/knex.js';
import {
  activeChange,
  assertHoldsChange,
  claimMachineChange,
  openMachineChanges,
  queueMachineChange,
  settleMachineChange,
} from '../../db/machine-changes.js';
import { addMembers, queueMemberDestroys, removeMembers } from '../../db/members.js';
import { addProject, deleteProject, projectAccountsOf } from '../../db/projects.js';
import { releaseMachine } from '../../db/reserve.js';
import { ensureServiceUser, forgetServiceUser } from '../../db/service-identity.js';
import { addUserData, deleteUserData, readUserData } from '../../db/user-data.js';
import type { ClusterRow, HostRow, NetworkRow, ServiceOfferingRow, TemplateRow, VmRow } from '../../db/rows.js';
import { onEachEngine } from './engines.js';
import { makeWorld, type World } from './world.js';

onEachEngine((engines) => {
  let world: World;
  let db: Knex;
  let network: NetworkRow;
  const caller = () => ({ accountId: world.accountId, userId: 'someone' });
  beforeAll(async () => {
    world = await makeWorld(engines);
    db = world.db;
    const { network_id } = await world.addCluster('home');
    network = (await db<NetworkRow>('networks').where({ uuid: network_id! }).first())!;
  });

  const add = async (more: { name?: string; address?: string } = {}): Promise<string> => {
    const offering = (await db<ServiceOfferingRow>('service_offering').where({ uuid: world.offeringId }).first())!;
    const template = (await db<TemplateRow>('vm_template').where({ kind: 'TEMPLATE' }).first())!;
    return transact(db, (trx) =>
      addMachine(trx, {
        zone: world.zone, network, offering, template, accountId: world.accountId, domainId: world.domainId, userId: 'someone', rootDiskGb: 8, keypairs: [], ...more,
      }),
    ); // prettier-ignore
  };
  const queue = (vmId: string, kind: 'deploy' | 'destroy' | 'start') =>
    transact(db, (trx) => queueMachineChange(trx, { kind, vmId, limitSeconds: 60, caller: caller() }));
  const vm = async (uuid: string) => (await db<VmRow>('vm_instance').where({ uuid }).first())!;

  test('of eight commands at the same time one holds the machine, the others’ jobs have failed', async () => {
    const id = await add();
    const queued = await Promise.all(Array.from({ length: 8 }, () => queue(id, 'deploy')));
    expect(queued.filter(({ refused }) => !refused)).toHaveLength(1);
    const failed = await db('async_job').whereIn('uuid', queued.map(({ jobId }) => jobId)).where({ job_status: 2, job_result_code: 530 }); // prettier-ignore
    expect(failed).toHaveLength(7);
    expect((await activeChange(db, id))?.job_id).toBe(queued.find(({ refused }) => !refused)?.jobId);
  });

  test('a run takes a change, a later one takes it over, the earlier is refused and settles nothing', async () => {
    const id = await add();
    const { jobId } = await queue(id, 'deploy');
    expect(await claimMachineChange(db, jobId, 'one')).toMatchObject({ kind: 'deploy', limitSeconds: 60 });
    await claimMachineChange(db, jobId, 'one');
    await assertHoldsChange(db, jobId, 'one');
    await claimMachineChange(db, jobId, 'two');
    expect((await activeChange(db, id))?.attempt).toBe(2);
    await expect(assertHoldsChange(db, jobId, 'one')).rejects.toMatchObject({ type: 'NotHolder' });
    await settleMachineChange(db, jobId, { ok: false, state: 'Error' }, 'one');
    expect(await activeChange(db, id)).toBeDefined();
    await settleMachineChange(db, jobId, { ok: true, state: 'Running' }, 'two');
    await settleMachineChange(db, jobId, { ok: false, state: 'Error' }, 'two');
    expect([(await vm(id)).state, await activeChange(db, id)]).toEqual(['Running', undefined]);
    expect(await claimMachineChange(db, jobId, 'three')).toBeNull();
    expect(await db('event').where({ resource_id: id }).orderBy('id').select('state', 'level')).toEqual([
      { state: 'Scheduled', level: 'INFO' },
      { state: 'Completed', level: 'INFO' },
    ]);
  });

  test('changes without an end are found, young ones are left to who started them', async () => {
    const id = await add();
    const { jobId } = await queue(id, 'deploy');
    const found = async (seconds: number) =>
      (await openMachineChanges(db, seconds)).some((each) => each.job_id === jobId);
    expect([await found(60), await found(-60)]).toEqual([false, true]);
    await settleMachineChange(db, jobId, { ok: true });
    expect(await found(-60)).toBe(false);
    const { ended } = await db('machine_change').where({ job_id: jobId }).first<{ ended: string }>('ended');
    expect(Math.abs(millis(ended) - Date.now())).toBeLessThan(60_000);
  });

  test('machines made at the same time have addresses and MACs of their own; a name is given once per network', async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, () => add()));
    const rows = await db<VmRow>('vm_instance').whereIn('uuid', ids);
    expect(new Set(rows.map(({ ip_address }) => ip_address)).size).toBe(6);
    expect(new Set(rows.map(({ mac_address }) => mac_address)).size).toBe(6);
    await add({ name: 'Twin' });
    await expect(add({ name: 'twin' })).rejects.toMatchObject({ type: 'BadParameter' });
  });

  test('of two machines for the last room one gets it, and gives it back once', async () => {
    const { uuid } = await world.onlyRoomFor(1);
    await db('host').where({ uuid }).update({ cpus_used: 0, ram_mb_used: 0 });
    const ids = [await add(), await add()];
    const ends = await Promise.allSettled(ids.map((id) => placeMachine(db, id)));
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const won = ids[ends.findIndex(({ status }) => status === 'fulfilled')]!;
    await placeMachine(db, won);
    const used = async () => (await db<HostRow>('host').where({ uuid }).first())!.cpus_used;
    expect([(await vm(won)).host_id, await used()]).toEqual([uuid, 2]);
    await transact(db, (trx) => releaseMachine(trx, { vm_id: won }));
    await transact(db, (trx) => releaseMachine(trx, { vm_id: won }));
    expect(await used()).toBe(0);
    await db('host').update({ resource_state: 'Enabled', cpus: 64, ram_mb: 65536 });
  });

  describe('members of a cluster that somebody else runs', () => {
    let cluster: ClusterRow;
    const counts = async () => {
      const row = (await db<ClusterRow>('kubernetes_cluster').where({ uuid: cluster.uuid }).first())!;
      return [row.control_node_count, row.node_count];
    };
    beforeAll(async () => {
      const made = await world.addCluster('external');
      await db('kubernetes_cluster')
        .where({ uuid: made.uuid })
        .update({ cluster_type: 'ExternalManaged', state: 'Running' });
      cluster = { ...made, cluster_type: 'ExternalManaged' };
    });

    test('keep their numbers, are counted, and are marked as nobody’s to remove', async () => {
      const [a, b, c] = [await add(), await add(), await add()];
      await addMembers(db, cluster, [a, b, a], false);
      await addMembers(db, cluster, [b, c], true);
      expect(await counts()).toEqual([1, 2]);
      expect(await removeMembers(db, cluster, [a])).toEqual([{ id: a }]);
      const d = await add();
      await addMembers(db, cluster, [d], false);
      const rows = await db('kubernetes_cluster_vm_map').where({ cluster_id: cluster.uuid }).orderBy('id').select('vm_id', 'role', 'role_index', 'external_node'); // prettier-ignore
      expect(rows).toEqual([
        { vm_id: b, role: 'worker', role_index: 2, external_node: 1 },
        { vm_id: c, role: 'control', role_index: 1, external_node: 1 },
        { vm_id: d, role: 'worker', role_index: 3, external_node: 1 },
      ]);
      await expect(addMembers(db, await world.addCluster('another'), [b], false)).rejects.toMatchObject({ type: 'Refused' }); // prettier-ignore
    });

    test('are destroyed with it when asked, each with a job of its own', async () => {
      const queued = await transact(db, (trx) => queueMemberDestroys(trx, cluster, caller(), 60));
      expect(queued.map(({ kind, refused }) => [kind, refused])).toEqual(Array(3).fill(['destroy', false]));
      expect(await transact(db, (trx) => queueMemberDestroys(trx, { ...cluster, cluster_type: 'CloudManaged' }, caller(), 60))).toEqual([]); // prettier-ignore
    });
  });

  test('user data is stored once per name and account, also when two bring it at the same time', async () => {
    const wanted = { name: 'one', data: 'eA==', params: ['a', 'b'], forCks: true, accountId: world.accountId, domainId: world.domainId, userId: 'someone' }; // prettier-ignore
    const ends = await Promise.allSettled([addUserData(db, wanted), addUserData(db, { ...wanted, name: 'ONE' })]);
    const ids = ends.flatMap((end) => (end.status === 'fulfilled' && end.value !== undefined ? [end.value] : []));
    expect(ids).toHaveLength(1);
    const row = (await readUserData(db, ids[0]!))!;
    expect([row.params, row.for_cks]).toEqual(['a,b', 1]);
    expect(await deleteUserData(db, row, 'someone')).toBeUndefined();
    expect(await readUserData(db, row.uuid)).toBeUndefined();
  });

  test('a project’s name is taken while it lives; the service user of its clusters comes and goes with them (report 29)', async () => {
    const actor = { accountId: world.accountId, userId: 'someone' };
    const wanted = { name: 'p', displayText: 'P', domainId: world.domainId, ownerAccountId: world.accountId, actor };
    const project = (await addProject(db, wanted))!;
    expect(await addProject(db, { ...wanted, name: 'P' })).toBeUndefined();
    expect(await projectAccountsOf(db, world.accountId)).toEqual([project.project_account_id]);
    const cluster = await world.addCluster('of-project');
    await db('kubernetes_cluster').where({ uuid: cluster.uuid }).update({ account_id: project.project_account_id });
    await db('networks').where({ uuid: cluster.network_id! }).update({ account_id: project.project_account_id });
    const owned = { uuid: cluster.uuid, account_id: project.project_account_id };
    const made = await Promise.all(
      [1, 2, 3].map(() => transact(db, (trx) => ensureServiceUser(trx, world.sealer, owned))),
    );
    expect(new Set(made.map(({ apikey }) => apikey)).size).toBe(1);
    expect(new Set(made.map(({ secretkey }) => secretkey.reveal())).size).toBe(1);
    expect(made[0]!.projectId).toBe(project.uuid);
    expect(await deleteProject(db, project, actor)).toMatch(/still has Kubernetes clusters: of-project/);
    await db('kubernetes_cluster').where({ uuid: cluster.uuid }).update({ removed: '2030-01-01 00:00:00.000' });
    expect(await transact(db, (trx) => forgetServiceUser(trx, owned))).toBe(true);
    expect(await deleteProject(db, project, actor)).toMatch(/still has networks/);
    await db('networks').where({ uuid: cluster.network_id! }).delete();
    expect(await deleteProject(db, project, actor)).toBeUndefined();
    expect(await projectAccountsOf(db, world.accountId)).toEqual([]);
    expect(await addProject(db, wanted)).toBeDefined();
  });
});
