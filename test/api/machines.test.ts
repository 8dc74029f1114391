import { randomUUID } from 'node:crypto';
import { settleMachineChange } from '../../db/machine-changes.js';
import { readSecret } from '../../db/secret.js';
import { addCluster, type MadeCluster } from './fixtures.js';
import { Harness, type Reply, type TestUser } from './harness.js';

type Content = Reply['content'];

let h: Harness;
let user: TestUser;
let ids: { zone: string; offering: string; host: string };
let cluster: MadeCluster;
beforeAll(async () => {
  h = await Harness.start();
  user = h.users.U;
  const first = async (table: string, where = {}) =>
    (await h.db(table).where(where).first<{ uuid: string }>('uuid')).uuid;
  ids = {
    zone: await first('data_center'),
    offering: await first('service_offering', { name: 'small' }),
    host: await first('host'),
  };
  cluster = await addCluster(h.db, user, { name: 'nodes' });
});
afterAll(() => h.stop());

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8lT0tL5R0hVn1bH1vJm7m2Q0q0yJ2S1wq1o3N6V8xY';
const deploy = (params: Record<string, string> = {}, caller = user) =>
  h.post('deployVirtualMachine', { zoneid: ids.zone, serviceofferingid: ids.offering, ...params }, caller);
const bring = (params: Record<string, string>, caller = user) =>
  h.post(
    'importVirtualMachine',
    { zoneid: ids.zone, serviceofferingid: ids.offering, networkids: cluster.networkId, sshhostkey: KEY, ...params },
    caller,
  );
const jobOf = async (reply: { content: { jobid: string } }, caller = user): Promise<Content> => {
  const { content } = await h.call('queryAsyncJobResult', { jobid: reply.content.jobid }, caller);
  return content;
};
const machine = async (id: string, caller = user): Promise<Content> =>
  (await h.call('listVirtualMachines', { id }, caller)).content.virtualmachine?.[0];
/** The end of a change, as its run would write it. */
const end = async (jobid: string, state: string) => settleMachineChange(h.db, jobid, { ok: true, state });

describe('deployVirtualMachine', () => {
  test('answers with machine and job; the machine has its address and waits for its host', async () => {
    const reply = await deploy({ name: 'web-1', displayname: 'Web', rootdisksize: '20' });
    expect(reply.status).toBe(200);
    const { id, jobid } = reply.content;
    expect(await machine(id)).toMatchObject({
      name: 'web-1', displayname: 'Web', state: 'Starting', vmtype: 'User', account: 'user', cpunumber: 2, memory: 2048, jobid, jobstatus: 0,
      nic: [{ networkid: cluster.networkId, ipaddress: '10.1.0.10', macaddress: expect.stringMatching(/^1e:/) }],
    }); // prettier-ignore
    expect(await jobOf(reply)).toMatchObject({
      jobstatus: 0, cmd: 'org.apache.cloudstack.api.command.user.vm.DeployVMCmd', jobinstancetype: 'VirtualMachine',
    }); // prettier-ignore
    expect((await h.db('vm_instance').where({ uuid: id }).first()).root_disk_gb).toBe(20);
    await end(jobid, 'Running');
    expect((await jobOf(reply)).jobresult.virtualmachine).toMatchObject({ id, name: 'web-1', state: 'Running' });
    expect(await machine(id)).not.toHaveProperty('jobid');
  });

  test('user data that comes along is sealed, an address can be asked for', async () => {
    const userdata = Buffer.from('#cloud-config\npassword: secret-word\n').toString('base64');
    const reply = await deploy({
      name: 'web-2', userdata, 'iptonetworklist[0].networkid': cluster.networkId, 'iptonetworklist[0].ip': '10.1.0.77',
    }); // prettier-ignore
    expect((await machine(reply.content.id)).ipaddress).toBe('10.1.0.77');
    const kept = await readSecret(h.db, h.sealer, `vm/${reply.content.id}`, 'userdata');
    expect(kept?.reveal()).toBe(userdata);
    for (const table of ['vm_instance', 'machine_change', 'event', 'async_job', 'secret'])
      expect(JSON.stringify(await h.db(table))).not.toContain(userdata.slice(20, 40));
    await end(reply.content.jobid, 'Running');
  });

  test('a machine without a name has one that a cluster can use', async () => {
    const reply = await deploy();
    expect(await machine(reply.content.id)).toMatchObject({ name: `vm-${reply.content.id}` });
    await end(reply.content.jobid, 'Running');
  });

  test.each([
    ['a name that is no host name', { name: 'web_1' }, 431, /host name/],
    ['a name that the network has', { name: 'WEB-1' }, 431, /There is a machine named WEB-1/],
    ['an address that is taken', { 'iptonetworklist[0].ip': '10.1.0.77' }, 431, /is taken/],
    ['an address of elsewhere', { 'iptonetworklist[0].ip': '10.9.0.77' }, 431, /is not in network/],
    ['the gateway', { 'iptonetworklist[0].ip': '10.1.0.1' }, 431, /is taken/],
    ['a key pair that is not there', { keypair: 'none' }, 431, /key pair with name 'none' was not found/],
    ['a disk of nothing', { rootdisksize: '0' }, 431, /rootdisksize/],
    ['user data that is no Base64', { userdata: '***' }, 431, /not Base64/],
    ['an unknown template', { templateid: randomUUID() }, 431, /templateid/],
  ] as const)('%s is refused and leaves nothing', async (_, params, status, words) => {
    const count = async () => (await h.db('vm_instance')).length + (await h.db('guest_address')).length;
    const before = await count();
    const address = 'iptonetworklist[0].ip' in params ? { 'iptonetworklist[0].networkid': cluster.networkId } : {};
    const reply = await deploy({ ...address, ...params } as Record<string, string>);
    expect([reply.status, reply.content.errortext]).toEqual([status, expect.stringMatching(words)]);
    expect(await count()).toBe(before);
  });

  test('a network is needed, one of the owner', async () => {
    expect((await deploy({}, h.users.other)).content.errortext).toMatch(/the owner has no network in zone sim-1/);
    expect((await deploy({ networkids: cluster.networkId }, h.users.other)).status).toBe(531);
    expect((await deploy({ networkids: cluster.networkId }, h.users.A)).content.errortext).toMatch(/belongs to another account/); // prettier-ignore
    const extra = await addCluster(h.db, user, { name: 'second' }, []);
    expect((await deploy()).content.errortext).toMatch(/has 2 networks in zone sim-1: say which/);
    expect((await deploy({ networkids: `${cluster.networkId},${extra.networkId}` })).content.errortext).toMatch(/names 2 networks/); // prettier-ignore
    await h.db('networks').where({ uuid: extra.networkId }).delete();
  });
});

describe('a change of a machine', () => {
  let id: string;
  beforeAll(async () => {
    const reply = await deploy({ name: 'changing', startvm: 'false' });
    id = reply.content.id;
    await end(reply.content.jobid, 'Stopped');
  });

  test('holds it: the second command’s job fails with 530 and names the first', async () => {
    const first = await h.call('startVirtualMachine', { id }, user);
    expect((await machine(id)).state).toBe('Starting');
    const second = await jobOf(await h.call('destroyVirtualMachine', { id }, user));
    expect(second).toMatchObject({
      jobstatus: 2, jobresultcode: 530, cmd: 'org.apache.cloudstack.api.command.user.vm.DestroyVMCmd',
      jobresult: { errorcode: 530, errortext: `Machine changing is busy: starting machine is running; wait for job ${first.content.jobid}` },
    }); // prettier-ignore
    expect((await machine(id)).state).toBe('Starting');
    await end(first.content.jobid, 'Running');
  });

  test('that its state forbids fails in the job, in words', async () => {
    expect((await jobOf(await h.call('startVirtualMachine', { id }, user))).jobresult.errortext).toBe(
      'Machine changing is Running: to start it, it has to be Stopped or Error',
    );
  });

  test('is the owner’s, his admins’, nobody else’s', async () => {
    expect((await h.call('stopVirtualMachine', { id }, h.users.other)).status).toBe(531);
    const reply = await h.call('stopVirtualMachine', { id, forced: 'true' }, h.users.D);
    expect((await jobOf(reply, h.users.D)).jobstatus).toBe(0);
    await end(reply.content.jobid, 'Stopped');
  });

  test('that fails says so in job and event', async () => {
    const reply = await h.call('startVirtualMachine', { id }, user);
    await settleMachineChange(h.db, reply.content.jobid, { ok: false, reason: 'host-1 is on fire', state: 'Stopped' });
    await settleMachineChange(h.db, reply.content.jobid, { ok: true, state: 'Running' });
    expect((await jobOf(reply)).jobresult).toEqual({ errorcode: 530, errortext: 'Error while starting machine changing: host-1 is on fire' }); // prettier-ignore
    expect((await machine(id)).state).toBe('Stopped');
    const [event] = (await h.call('listEvents', { type: 'VM.START' }, user)).content.event;
    expect(event).toMatchObject({ level: 'ERROR', description: 'Error while starting machine changing: host-1 is on fire' }); // prettier-ignore
  });

  test.each(['startVirtualMachine', 'stopVirtualMachine', 'rebootVirtualMachine', 'destroyVirtualMachine'])(
    '%s is refused for nodes of clusters, in words that say what to use',
    async (command) => {
      const reply = await jobOf(await h.call(command, { id: cluster.machineIds[1]! }, user));
      expect([reply.jobstatus, reply.jobresult.errortext]).toEqual([2, expect.stringMatching(/is a node of Kubernetes cluster nodes: .*scaleKubernetesCluster and nodeids$/)]); // prettier-ignore
    },
  );

  test('of a worker that was added waits for its cluster, and it is not destroyed', async () => {
    await h.db('kubernetes_cluster_vm_map').insert({
      cluster_id: cluster.uuid, vm_id: id, role: 'worker', role_index: 9, control_node: 0, etcd_node: 0, external_node: 1, manual_upgrade: 0, phase: 'ready',
    }); // prettier-ignore
    await h.db('vm_instance').where({ uuid: id }).update({ state: 'Running' });
    const text = async (command: string) =>
      (await jobOf(await h.call(command, { id }, user))).jobresult?.errortext as unknown;
    expect(await text('destroyVirtualMachine')).toMatch(/take it out with removeNodesFromKubernetesCluster first/);
    await h.db('operation').insert({
      uuid: 'op', root_id: 'op', attempt: 1, kind: 'upgrade', mode: 'run', cluster_id: cluster.uuid, active_cluster_id: cluster.uuid, state: 'running', from_state: 'Running',
      job_id: 'j', account_id: user.accountId, user_id: user.userId, settings: '{}', pause_requested: 0, created: '2030-01-01 00:00:00.000',
    }); // prettier-ignore
    expect(await text('rebootVirtualMachine')).toMatch(/which is busy: operation "upgrade" has to end first/);
    await h.db('operation').delete();
    const reply = await h.call('rebootVirtualMachine', { id }, user);
    expect((await jobOf(reply)).jobstatus).toBe(0);
    await end(reply.content.jobid, 'Running');
    await h.db('kubernetes_cluster_vm_map').where({ vm_id: id }).delete();
  });
});

describe('importVirtualMachine', () => {
  test('a physical machine is known at once, and nothing here powers it', async () => {
    const reply = await bring({ name: 'metal-1', ipaddress: '10.1.0.200', macaddress: '52:54:00:AA:BB:01' });
    const { id } = reply.content;
    expect(await jobOf(reply)).toMatchObject({ jobstatus: 1, jobresult: { virtualmachine: { id } } });
    expect(await machine(id)).toMatchObject({
      name: 'metal-1', state: 'Running', hypervisor: 'BareMetal', ipaddress: '10.1.0.200', sshhostkey: KEY, nic: [{ macaddress: '52:54:00:aa:bb:01' }],
    }); // prettier-ignore
    expect((await jobOf(await h.call('stopVirtualMachine', { id }, user))).jobresult.errortext).toMatch(/do it on the machine itself/); // prettier-ignore
    expect(await h.db('guest_address').where({ vm_id: id })).toHaveLength(1);
  });

  test('a domain is brought by a root admin only, with its host and room there', async () => {
    const params = { name: 'pet', ipaddress: '10.1.0.201', hostid: ids.host, domainname: 'pet-1' };
    const used = () => h.db('host').where({ uuid: ids.host }).first<{ cpus_used: number }>('cpus_used');
    const owner = { account: 'user', domainid: user.domainId };
    const before = (await used()).cpus_used;
    const reply = await bring({ ...params, ...owner }, h.users.A);
    expect(reply.status).toBe(200);
    expect((await jobOf(reply, h.users.A)).jobstatus).toBe(0);
    expect(await machine(reply.content.id, h.users.A)).toMatchObject({ instancename: 'pet-1', hostid: ids.host, account: 'user' }); // prettier-ignore
    expect((await used()).cpus_used).toBe(before + 2);
    const twice = await bring({ ...params, ...owner, name: 'pet-2', ipaddress: '10.1.0.202' }, h.users.A);
    expect([twice.status, twice.content.errortext]).toEqual([431, 'The domain pet-1 is known already, as machine pet']);
    // To a user both parameters do not exist: what he brings is a physical machine.
    const his = await bring({ ...params, name: 'pet-3', ipaddress: '10.1.0.203' });
    expect(await machine(his.content.id)).toMatchObject({ hypervisor: 'BareMetal' });
  });

  test.each([
    ['a host key that is none', { sshhostkey: 'ssh-rsa AAAA' }, /Public key is invalid/],
    ['a name that is none', { name: 'Metal' }, /lower-case letters/],
    ['an address of elsewhere', { ipaddress: '192.0.2.1' }, /is not in network/],
    ['a taken address', { ipaddress: '10.1.0.200' }, /is taken/],
    ['a MAC address that is none', { macaddress: 'aa:bb' }, /macaddress/],
  ] as const)('%s is refused', async (_, params, words) => {
    const reply = await bring({ name: 'metal-9', ipaddress: '10.1.0.209', ...params });
    expect([reply.status, reply.content.errortext]).toEqual([431, expect.stringMatching(words)]);
  });
});

test('the public key of the service is shown per owner, always the same, its private half never', async () => {
  const key = async (params: Record<string, string>, caller = user): Promise<Content> =>
    (await h.call('getServiceSshKey', params, caller)).content.servicesshkey;
  const own = await key({});
  expect(own).toEqual({ publickey: expect.stringMatching(/^ssh-ed25519 [A-Za-z0-9+/=]+$/), user: 'cloud' });
  expect(await key({})).toEqual(own);
  expect(await key({ account: 'user', domainid: user.domainId }, h.users.D)).toEqual(own);
  expect((await key({}, h.users.other)).publickey).not.toBe(own.publickey);
  expect((await h.call('getServiceSshKey', { account: 'user', domainid: user.domainId }, h.users.other)).status).toBe(531); // prettier-ignore
});

describe('members of an ExternalManaged cluster', () => {
  let external: string;
  let version: string;
  let members: string[];
  const shown = async (): Promise<Content> =>
    (await h.call('listKubernetesClusters', { id: external }, user)).content.kubernetescluster[0];
  beforeAll(async () => {
    external = (
      await h.call('createKubernetesCluster', { name: 'capi', zoneid: ids.zone, clustertype: 'ExternalManaged' }, user)
    ).content.id;
    version = (await h.db<{ uuid: string }>('kubernetes_supported_version').first('uuid'))!.uuid;
    members = [];
    for (const [i, name] of ['m-1', 'm-2', 'm-3'].entries())
      members.push((await bring({ name, ipaddress: `10.1.0.${210 + i}` })).content.id);
  });
  const add = (params: Record<string, string>, caller = user) =>
    h.call('addVirtualMachinesToKubernetesCluster', { id: external, ...params }, caller);
  const take = (virtualmachineids: string, caller = user) =>
    h.call('removeVirtualMachinesFromKubernetesCluster', { id: external, virtualmachineids }, caller);

  test('are added as control or worker nodes, once, and counted', async () => {
    expect((await add({ virtualmachineids: members[0]!, iscontrolnode: 'true' })).body).toEqual({
      addvirtualmachinestokubernetesclusterresponse: { success: true },
    });
    expect((await add({ virtualmachineids: members.join(',') })).status).toBe(200);
    const view = await shown();
    expect([view.controlnodes, view.masternodes, view.size]).toEqual([1, 1, 2]);
    const machines = view.virtualmachines as Record<string, unknown>[];
    expect(machines.map(({ id }) => id)).toEqual(members);
    expect(machines[0]).toMatchObject({ isexternalnode: false, isetcdnode: false });
    expect(machines[0]).not.toHaveProperty('kubernetesnodeversion');
  });

  test('are taken out one by one, with a word for each that is not', async () => {
    const elsewhere = cluster.machineIds[0]!;
    expect((await take([members[2], elsewhere].join(','))).body).toEqual({
      removevirtualmachinesfromkubernetesclusterresponse: {
        count: 2,
        removevirtualmachinesfromkubernetesclusterresponse: [
          { id: members[2], success: true },
          {
            id: elsewhere,
            success: false,
            displaytext: `Virtual machine ${elsewhere} is not in Kubernetes cluster capi`,
          },
        ],
      },
    });
    expect((await shown()).size).toBe(1);
    expect(await machine(members[2]!)).toMatchObject({ state: 'Running' });
  });

  test.each([
    ['stopKubernetesCluster', () => ({})],
    ['startKubernetesCluster', () => ({})],
    ['scaleKubernetesCluster', () => ({ size: '2' })],
    ['upgradeKubernetesCluster', () => ({ kubernetesversionid: version })],
  ])('%s is refused, since this service did not make the machines', async (command, params) => {
    const before = await shown();
    const job = await jobOf(await h.call(command, { id: external, ...params() }, user));
    expect(job.jobresult.errortext).toBe(`${command} is not supported for an externally managed cluster: capi`);
    expect(await shown()).toEqual(before);
  });

  test('what cannot be is refused with 530', async () => {
    const text = async (reply: Promise<{ status: number; content: { errorcode: number; errortext: string } }>) => {
      const { status, content } = await reply;
      return [status, content.errortext];
    };
    const call = (id: string) => h.call('addVirtualMachinesToKubernetesCluster', { id, virtualmachineids: members[2]! }, user); // prettier-ignore
    expect(await text(call(cluster.uuid))).toEqual([530, expect.stringMatching(/^Kubernetes cluster nodes is CloudManaged/)]); // prettier-ignore
    expect(await text(add({ virtualmachineids: cluster.machineIds[0]! }))).toEqual([530, expect.stringMatching(/belongs to Kubernetes cluster nodes/)]); // prettier-ignore
    expect(await text(add({ virtualmachineids: members[2]! }, h.users.other))).toEqual([530, expect.stringMatching(/permission/)]); // prettier-ignore
    const foreign = await addCluster(h.db, h.users.other, { name: 'foreign' });
    expect(await text(add({ virtualmachineids: foreign.machineIds[0]! }))).toEqual([530, expect.stringMatching(/permission/)]); // prettier-ignore
    expect((await add({ virtualmachineids: randomUUID() })).status).toBe(431);
    expect((await shown()).size).toBe(1);
  });

  test('may be destroyed, nodes of CloudManaged clusters may not', async () => {
    const reply = await h.call('destroyVirtualMachine', { id: members[1]! }, user);
    expect((await jobOf(reply)).jobstatus).toBe(0);
  });
});
