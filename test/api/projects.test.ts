import { transact } from '../../db/knex.js';
import type { ClusterRow } from '../../db/rows.js';
import { ensureServiceUser, forgetServiceUser, readServiceKeys } from '../../db/service-identity.js';
import { SERVICE_COMMANDS } from '../../api/service-commands.js';
import { COMMANDS } from '../../api/commands/index.js';
import { addCluster } from './fixtures.js';
import { Harness, type TestUser } from './harness.js';

let h: Harness;
/** Each one's own cluster, one of a project that U made (with `member` in it), one of a project of somebody else. */
let project: string;
let foreign: string;
let member: TestUser;
beforeAll(async () => {
  h = await Harness.start();
  member = await h.addUser('member', 'U', h.users.U.domainId);
  project = (await h.call('createProject', { name: 'shared' }, h.users.U)).content.id;
  foreign = (await h.call('createProject', { name: 'theirs', displaytext: 'Their own' }, h.users.other)).content.id;
  await h.call('addAccountToProject', { projectid: project, account: 'member' }, h.users.U);
  for (const [name, user] of [
    ['of-user', h.users.U],
    ['of-domainadmin', h.users.D],
    ['of-admin', h.users.A],
    ['of-other', h.users.other],
  ] as const)
    // prettier-ignore
    await addCluster(h.db, user, { name }, []);
  for (const [name, id] of [
    ['of-shared', project],
    ['of-theirs', foreign],
  ] as const)
    await addCluster(h.db, await ownerOf(id), { name }, []);
});
afterAll(() => h.stop());

/** The account of a project in the shape in which fixtures want owners. */
async function ownerOf(id: string): Promise<TestUser> {
  const row = await h.db('projects').where({ uuid: id }).first<{ project_account_id: string; domain_id: string }>();
  return { ...h.users.U, accountId: row.project_account_id, domainId: row.domain_id };
}
const listed = async (user: TestUser, params: Record<string, string>): Promise<unknown> => {
  const { status, content } = await h.call('listKubernetesClusters', params, user);
  const rows = (content.kubernetescluster ?? []) as { name: string }[];
  return status === 200 ? rows.map(({ name }) => name.slice(3)).sort() : status;
};

describe('a list shows whose objects (the table of ownership filters)', () => {
  const user = () => h.users.U;
  const cases: [string, () => TestUser, () => Record<string, string>, unknown][] = [
    ['a user: his own', user, () => ({}), ['user']],
    ['a user with listall: his own', user, () => ({ listall: 'true' }), ['user']],
    ['an admin: his own', () => h.users.A, () => ({}), ['admin']],
    ['an admin with listall: all but projects', () => h.users.A, () => ({ listall: 'true' }), ['admin', 'domainadmin', 'other', 'user']],
    ['a domain admin: his own', () => h.users.D, () => ({}), ['domainadmin']],
    ['a domain admin with listall: his domain and below, no projects', () => h.users.D, () => ({ listall: 'true' }), ['domainadmin', 'user']],
    ['a member of a project: that project', () => member, () => ({ projectid: project }), ['shared']],
    ['who is not in the project', () => h.users.other, () => ({ projectid: project }), 530],
    ['an admin: any project', () => h.users.A, () => ({ projectid: project }), ['shared']],
    ['a domain admin: a project of his domain', () => h.users.D, () => ({ projectid: project }), ['shared']],
    ['a domain admin: a project of another domain', () => h.users.D, () => ({ projectid: foreign }), 530],
    ['projectid -1: the projects of the caller', user, () => ({ projectid: '-1' }), ['shared']],
    ['projectid -1 of somebody in none', () => h.users.D, () => ({ projectid: '-1' }), []],
    ['projectid -1 with listall: also his own', user, () => ({ projectid: '-1', listall: 'true' }), ['shared', 'user']],
    ['projectid -1 of an admin: projects only', () => h.users.A, () => ({ projectid: '-1' }), ['shared', 'theirs']],
    ['projectid -1 with listall of an admin: everything', () => h.users.A, () => ({ projectid: '-1', listall: 'true' }), ['admin', 'domainadmin', 'other', 'shared', 'theirs', 'user']],
    ['account and projectid', () => h.users.A, () => ({ account: 'user', domainid: h.users.U.domainId, projectid: project }), 530],
    ['a domain with those below, no projects', () => h.users.A, () => ({ domainid: h.users.D.domainId, isrecursive: 'true' }), ['domainadmin', 'user']],
    ['a domain alone, no projects', () => h.users.A, () => ({ domainid: h.users.U.domainId }), ['user']],
  ]; // prettier-ignore
  test.each(cases)('%s', async (_, caller, params, wanted) => {
    expect(await listed(caller(), params())).toEqual(wanted);
  });

  test('an id of a project’s object is found by its members and admins, by nobody else', async () => {
    const { uuid } = await h.db('kubernetes_cluster').where({ name: 'of-shared' }).first<{ uuid: string }>('uuid');
    for (const caller of [h.users.U, member, h.users.A, h.users.D])
      expect(await listed(caller, { id: uuid })).toEqual(['shared']);
    expect(await listed(h.users.other, { id: uuid })).toEqual([]);
  });

  test('commands that do not wrap answer 431/4350 and 531', async () => {
    const both = await h.call('listSSHKeyPairs', { account: 'user', domainid: h.users.U.domainId, projectid: project });
    expect([both.status, both.content.cserrorcode]).toEqual([431, 4350]);
    expect((await h.call('listSSHKeyPairs', { projectid: project }, h.users.other)).status).toBe(531);
  });
});

test('what a project owns shows the project instead of an account', async () => {
  const [cluster] = (await h.call('listKubernetesClusters', { projectid: project }, member)).content.kubernetescluster;
  expect(cluster).toMatchObject({ projectid: project, project: 'shared', domain: 'qa' });
  expect(cluster).not.toHaveProperty('account');
});

test('a member makes something for the project; others are refused at the parameter stage, also by CKS commands', async () => {
  const made = await h.call('createSSHKeyPair', { name: 'for-all', projectid: project }, member);
  expect(made.content.keypair).toMatchObject({ projectid: project });
  expect((await h.call('createSSHKeyPair', { name: 'no', projectid: project }, h.users.other)).status).toBe(531);
  const zoneid = (await h.call('listZones')).content.zone[0].id as string;
  const cluster = (params: Record<string, string>, user: TestUser) =>
    h.call('createKubernetesCluster', { name: 'made', zoneid, clustertype: 'ExternalManaged', ...params }, user);
  expect((await cluster({ projectid: project }, h.users.other)).status).toBe(531);
  expect((await cluster({ account: 'user' }, h.users.A)).status).toBe(431);
  expect((await cluster({ projectid: project, account: 'user', domainid: h.users.U.domainId }, h.users.A)).content).toMatchObject({ errorcode: 431, cserrorcode: 4350 }); // prettier-ignore
  const { id } = (await cluster({ projectid: project }, member)).content;
  expect((await h.call('listKubernetesClusters', { id }, h.users.U)).content.kubernetescluster[0]).toMatchObject({ projectid: project }); // prettier-ignore
  await h.db('kubernetes_cluster').where({ uuid: id }).delete();
});

describe('projects', () => {
  test('are made with their owner as admin, and listed to whom they concern', async () => {
    const names = async (user: TestUser, params = {}) =>
      (((await h.call('listProjects', params, user)).content.project ?? []) as { name: string }[]).map(
        ({ name }) => name,
      );
    expect(await names(h.users.U)).toEqual(['shared']);
    expect(await names(member)).toEqual(['shared']);
    expect(await names(h.users.other, { listall: 'true' })).toEqual(['theirs']);
    expect(await names(h.users.A)).toEqual([]);
    expect(await names(h.users.A, { listall: 'true' })).toEqual(['shared', 'theirs']);
    expect(await names(h.users.D, { listall: 'true' })).toEqual(['shared']);
    expect((await h.call('listProjects', { id: foreign }, h.users.A)).content.project[0]).toMatchObject({
      name: 'theirs', displaytext: 'Their own', state: 'Active', owner: [{ account: 'other', user: 'other', userid: h.users.other.userId }],
    }); // prettier-ignore
    expect(await names(h.users.U, { id: foreign })).toEqual([]);
  });

  test('the job of a create holds the project', async () => {
    const { jobid, id } = (await h.call('createProject', { name: 'third' }, h.users.U)).content;
    const job = (await h.call('queryAsyncJobResult', { jobid }, h.users.U)).content;
    expect(job).toMatchObject({
      jobstatus: 1, cmd: 'org.apache.cloudstack.api.command.user.project.CreateProjectCmd', jobresult: { project: { id, name: 'third' } },
    }); // prettier-ignore
  });

  test('a name is taken once per domain, and free again after its project', async () => {
    expect((await h.call('createProject', { name: 'SHARED' }, h.users.U)).status).toBe(431);
    expect((await h.call('createProject', { name: 'shared' }, h.users.other)).status).toBe(200);
    const { id } = (await h.call('createProject', { name: 'short' }, h.users.U)).content;
    const { jobid } = (await h.call('deleteProject', { id }, h.users.U)).content;
    expect((await h.call('queryAsyncJobResult', { jobid }, h.users.U)).content.jobstatus).toBe(1);
    expect((await h.call('createProject', { name: 'short' }, h.users.U)).status).toBe(200);
    expect((await h.call('listProjects', { id }, h.users.U)).content).toEqual({});
  });

  test('one that owns a cluster stays: the job says what is left', async () => {
    const { jobid } = (await h.call('deleteProject', { id: project }, h.users.U)).content;
    expect((await h.call('queryAsyncJobResult', { jobid }, h.users.U)).content).toMatchObject({
      jobstatus: 2, jobresult: { errorcode: 530, errortext: 'Project shared still has Kubernetes clusters: of-shared; delete them first' },
    }); // prettier-ignore
  });

  test('only its admins change it, and the last of them stays', async () => {
    expect((await h.call('deleteProject', { id: project }, member)).status).toBe(531);
    expect((await h.call('addAccountToProject', { projectid: project, account: 'user' }, member)).status).toBe(531);
    expect((await h.call('addAccountToProject', { projectid: project, account: 'nobody' }, h.users.U)).status).toBe(
      431,
    );
    expect((await h.call('addAccountToProject', { projectid: project, account: 'member', roletype: 'Boss' }, h.users.U)).status).toBe(431); // prettier-ignore
    const { jobid } = (await h.call('deleteAccountFromProject', { projectid: project, account: 'user' }, h.users.U))
      .content;
    expect((await h.call('queryAsyncJobResult', { jobid }, h.users.U)).content.jobresult.errortext).toMatch(
      /last admin/,
    );
    await h.call('addAccountToProject', { projectid: project, account: 'member', roletype: 'Admin' }, h.users.U);
    expect((await h.call('deleteAccountFromProject', { projectid: project, account: 'user' }, member)).status).toBe(
      200,
    );
    expect(await listed(h.users.U, { projectid: project })).toBe(530);
    await h.call('addAccountToProject', { projectid: project, account: 'user', roletype: 'Admin' }, member);
    expect(await listed(h.users.U, { projectid: project })).toEqual(['shared']);
  });
});

describe('the user of the in-cluster service', () => {
  const clusterNamed = (name: string) => h.db<ClusterRow>('kubernetes_cluster').where({ name }).first();
  const identityOf = async (name: string): Promise<TestUser & { projectId?: string }> => {
    const cluster = (await clusterNamed(name))!;
    const made = await transact(h.db, (trx) => ensureServiceUser(trx, h.sealer, cluster));
    return {
      ...h.users.U, apiKey: made.apikey, secretKey: made.secretkey.reveal(), ...(made.projectId !== undefined && { projectId: made.projectId }),
    }; // prettier-ignore
  };
  const usersOf = (account_id: string) =>
    h.db('user').where({ account_id, scope: 'kubernetes' }).whereNull('removed').select('username');

  test('is made once for an account, keeps its keys, and cannot sign in', async () => {
    const one = await identityOf('of-user');
    expect(await identityOf('of-user')).toEqual(one);
    expect(await usersOf(h.users.U.accountId)).toEqual([{ username: 'user-kubeadmin' }]);
    const cluster = (await clusterNamed('of-user'))!;
    expect((await readServiceKeys(h.db, h.sealer, cluster))?.apikey).toBe(one.apiKey);
    for (const password of ['', '!'])
      expect((await h.form(`command=login&response=json&username=user-kubeadmin&password=${password}&domainid=${h.users.U.domainId}`)).status).toBeGreaterThanOrEqual(431); // prettier-ignore
  });

  test.each(COMMANDS.filter((each) => !each.open).map(({ name }) => name))('%s: only what the list of its commands has', async (name) => {
    const caller = await identityOf('of-admin');
    const command = COMMANDS.find((each) => each.name === name)!;
    const allowed = SERVICE_COMMANDS.has(name) && command.roles.includes('U');
    expect((await h.call(name, { 'stop[0]here': '1' }, caller)).status).toBe(allowed ? 430 : 432);
  }); // prettier-ignore

  test('an admin’s one is no admin: it sees what the account owns, nothing else', async () => {
    const caller = await identityOf('of-admin');
    expect(await listed(caller, {})).toEqual(['admin']);
    expect(await listed(caller, { listall: 'true' })).toEqual(['admin']);
    expect(await listed(caller, { projectid: '-1', listall: 'true' })).toEqual(['admin']);
    expect(await listed(caller, { projectid: project })).toBe(530);
    const { uuid } = (await clusterNamed('of-other'))!;
    expect(await listed(caller, { id: uuid })).toEqual([]);
  });

  test('a member’s one does not reach the projects of its account', async () => {
    const caller = await identityOf('of-user');
    expect(await listed(caller, { projectid: project })).toBe(530);
    expect(await listed(caller, { projectid: '-1' })).toEqual([]);
  });

  test('a project’s one has an account of its own and reaches that project only', async () => {
    const caller = await identityOf('of-shared');
    expect(caller.projectId).toBe(project);
    expect(await identityOf('of-shared')).toEqual(caller);
    const name = `kubeadmin-${project.slice(0, 8)}`;
    expect(await h.db('account').where({ account_name: name })).toHaveLength(1);
    expect(await listed(caller, { projectid: project })).toEqual(['shared']);
    expect(await listed(caller, {})).toEqual([]);
    expect(await listed(caller, { projectid: foreign })).toBe(530);
    // It is not one of the people of the project.
    const [shown] = (await h.call('listProjects', { id: project }, h.users.U)).content.project;
    expect(JSON.stringify(shown)).not.toContain(name);
    await h.call('addAccountToProject', { projectid: project, account: name, roletype: 'Admin' }, h.users.U);
    await h.call('deleteAccountFromProject', { projectid: project, account: name }, h.users.U);
    expect(await listed(caller, { projectid: project })).toEqual(['shared']);
  });

  test('goes with the last cluster, and comes back as another', async () => {
    const [user, shared] = [await identityOf('of-user'), await identityOf('of-shared')];
    const second = await addCluster(h.db, h.users.U, { name: 'of-user-2' }, []);
    expect(await forgetServiceUser(h.db, (await clusterNamed('of-user'))!)).toBe(false);
    await h.db('kubernetes_cluster').where({ uuid: second.uuid }).delete();
    for (const [name, old] of [['of-user', user], ['of-shared', shared]] as const) {
      const cluster = (await clusterNamed(name))!;
      expect(await forgetServiceUser(h.db, cluster)).toBe(true);
      expect(await forgetServiceUser(h.db, cluster)).toBe(false);
      expect((await h.call('listKubernetesClusters', {}, old)).status).toBe(401);
      expect(await readServiceKeys(h.db, h.sealer, cluster)).toBeUndefined();
      const again = await identityOf(name);
      expect(again.apiKey).not.toBe(old.apiKey);
      expect((await h.call('listNetworks', {}, again)).status).toBe(200);
    } // prettier-ignore
    expect(await usersOf(h.users.U.accountId)).toEqual([{ username: 'user-kubeadmin' }]);
  });

  test('accounts of one name in two domains have one each', async () => {
    const twin = await h.addUser('twin', 'U', h.users.D.domainId);
    await h.db('account').where({ uuid: twin.accountId }).update({ account_name: 'user' });
    await addCluster(h.db, twin, { name: 'of-twin' }, []);
    const caller = await identityOf('of-twin');
    expect(await usersOf(twin.accountId)).toEqual([{ username: `user-kubeadmin-${twin.accountId.slice(0, 8)}` }]);
    expect(await listed(caller, {})).toEqual(['twin']);
  });
});

describe('accounts, users and domains', () => {
  const person = (username: string) => ({ username, password: 'correct horse', email: 'a@example.org', firstname: 'A', lastname: 'B' }); // prettier-ignore

  test('an admin makes a domain, an account in it and another user, who can sign in', async () => {
    const { domain } = (await h.call('createDomain', { name: 'lab', parentdomainid: h.users.D.domainId })).content;
    expect(domain).toMatchObject({ path: 'ROOT/eng/lab', level: 2, parentdomainname: 'eng' });
    expect((await h.call('createDomain', { name: 'lab', parentdomainid: h.users.D.domainId })).status).toBe(431);
    expect((await h.call('createDomain', { name: 'a/b' })).status).toBe(431);
    const { account } = (await h.call('createAccount', { ...person('lab-1'), account: 'lab', domainid: domain.id }))
      .content;
    expect(account).toMatchObject({ name: 'lab', accounttype: 0, domainpath: 'ROOT/eng/lab', user: [{ username: 'lab-1' }] }); // prettier-ignore
    expect((await h.call('createUser', { ...person('lab-2'), account: 'lab', domainid: domain.id })).content.user).toMatchObject({ account: 'lab', username: 'lab-2' }); // prettier-ignore
    expect((await h.call('createUser', { ...person('lab-2'), account: 'lab', domainid: domain.id })).status).toBe(431);
    expect((await h.call('createAccount', { ...person('lab-3'), account: 'lab', domainid: domain.id })).status).toBe(
      431,
    );
    const login = await h.form('command=login&response=json&username=lab-2&password=correct%20horse&domain=/eng/lab');
    expect(login.content).toMatchObject({ account: 'lab', type: '0' });
  });

  test('nobody makes somebody who may do more than he, or outside of what he administers', async () => {
    const { A, D, U, other } = h.users;
    expect((await h.call('createAccount', { ...person('x1'), accounttype: '1' }, D)).status).toBe(531);
    expect((await h.call('createAccount', { ...person('x1'), domainid: other.domainId }, D)).status).toBe(531);
    expect((await h.call('createAccount', { ...person('x2'), domainid: U.domainId, accounttype: '2' }, D)).status).toBe(
      200,
    );
    expect((await h.call('createUser', { ...person('x3'), account: 'admin', domainid: A.domainId }, D)).status).toBe(
      531,
    );
    expect((await h.call('createUser', { ...person('x3'), account: 'domainadmin', domainid: D.domainId }, h.users.R)).status).toBe(531); // prettier-ignore
    expect((await h.call('createAccount', person('x4'), U)).status).toBe(432);
    expect((await h.call('createDomain', { name: 'mine', parentdomainid: other.domainId }, D)).status).toBe(531);
  });
});
