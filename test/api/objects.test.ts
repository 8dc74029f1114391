import { COMMANDS } from '../../api/commands/index.js';
import type { Command, ResponseFields } from '../../api/command.js';
import { addCluster, addJob } from './fixtures.js';
import { Harness } from './harness.js';

let h: Harness;
beforeAll(async () => {
  h = await Harness.start();
  await addCluster(h.db, h.users.U, { name: 'seen' }, ['control', 'worker', 'etcd']);
  await addJob(h.db, h.users.U, { status: 0 });
  await h.call('createSSHKeyPair', { name: 'mine' }, h.users.U);
  await h.call('createProject', { name: 'shared' }, h.users.U);
  await h.call('registerUserData', { name: 'data', userdata: 'eA==', params: 'a' }, h.users.U);
  await h.call('registerCniConfiguration', { name: 'cni', cniconfig: 'eA==' }, h.users.U);
  await addOperatorsThings();
  await addNetworkThings();
});
afterAll(() => h.stop());

async function addOperatorsThings(): Promise<void> {
  const [host] = (await h.call('listHosts', { name: 'host-3' })).content.host as { id: string; zoneid: string }[];
  const zoneid = host!.zoneid;
  await h.call('createStoragePool', { zoneid, hostid: host!.id, name: 'fast', url: 'dir:///srv/cks', tags: 'ssd' });
  await h.call('createVlanIpRange', {
    zoneid,
    startip: '203.0.113.9',
    gateway: '203.0.113.1',
    netmask: '255.255.255.0',
  });
  await h.call('dedicateHost', { hostid: host!.id, domainid: h.users.U.domainId, account: 'user' });
  await h.call('createAffinityGroup', { name: 'apart', type: 'host anti-affinity', description: 'x' }, h.users.U);
}

async function addNetworkThings(): Promise<void> {
  const user = h.users.U;
  const first = async (table: string) => (await h.db(table).first<{ uuid: string }>('uuid')).uuid;
  const [zoneid, vpcofferingid] = [await first('data_center'), await first('vpc_offerings')];
  await h.call('createVPC', { name: 'private', cidr: '10.1.0.0/16', vpcofferingid, zoneid });
  const [network] = (await h.call('listNetworks', {}, user)).content.network as { id: string }[];
  await h.call('createEgressFirewallRule', { networkid: network!.id, protocol: 'tcp', startport: '25' }, user);
  const [balancer] = (await h.call('listLoadBalancerRules', {}, user)).content.loadbalancerrule as { id: string }[];
  ASKED['listLoadBalancerRuleInstances'] = { id: balancer!.id };
}

const JSON_TYPES: Record<string, string> = {
  string: 'string',
  date: 'string',
  clustertype: 'string',
  integer: 'number',
  long: 'number',
  boolean: 'boolean',
  list: 'array',
  set: 'array',
  map: 'object',
  responseobject: 'object',
};

function problems(item: Record<string, unknown>, declared: ResponseFields, at: string): string[] {
  return Object.entries(item).flatMap(([name, value]) => {
    const field = declared[name];
    if (!field) return [`${at}.${name} is not declared`];
    const found = Array.isArray(value) ? 'array' : typeof value;
    const wanted = JSON_TYPES[field.type] ?? field.type;
    if (found !== wanted) return [`${at}.${name} is ${found}, declared ${field.type}`];
    if (Array.isArray(value) && field.fields)
      return (value as Record<string, unknown>[]).flatMap((each) => problems(each, field.fields!, `${at}.${name}`));
    return [];
  });
}

const readable = COMMANDS.filter(
  (each): each is Command & { response: { key: string; fields: ResponseFields } } =>
    each.isList === true && each.response !== 'success' && each.name.startsWith('list') && each.name !== 'listApis',
);
const ASKED: Record<string, Record<string, string>> = {
  listTemplates: { templatefilter: 'all' },
  listIsos: { isofilter: 'all' },
};

test.each(readable.map((each) => [each.name, each] as const))(
  '%s answers with the fields and types it declares',
  async (name, command) => {
    for (const user of [h.users.A, h.users.U]) {
      if (user === h.users.U && !command.roles.includes('U')) continue;
      const params = {
        ...('listall' in command.params && { listall: 'true' }),
        ...(user === h.users.U && name === 'listTemplates'
          ? { templatefilter: 'executable' }
          : user === h.users.U && name === 'listIsos'
            ? {}
            : ASKED[name]),
      };
      const reply = await h.call(name, params, user);
      expect([name, reply.status]).toEqual([name, 200]);
      const items = (reply.content[command.response.key] ?? []) as Record<string, unknown>[];
      if (user === h.users.A && !['listKubernetesClusterOperations'].includes(name))
        expect([name, items.length > 0]).toEqual([name, true]);
      expect(items.flatMap((item) => problems(item, command.response.fields, command.response.key))).toEqual([]);
    }
  },
);

test('rules, addresses and networks of a cluster, with the types that Go clients decode', async () => {
  const user = h.users.U;
  const rules = (await h.call('listFirewallRules', {}, user)).content.firewallrule;
  expect(rules).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ startport: 6443, endport: 6443, cidrlist: '0.0.0.0/0', state: 'Active' }),
    ]),
  );
  const forwards = (await h.call('listPortForwardingRules', {}, user)).content.portforwardingrule;
  expect(forwards[0]).toMatchObject({
    publicport: '2222',
    privateport: '22',
    virtualmachinename: 'seen-control-0',
    vmguestip: '10.1.0.10',
  });
  expect((await h.call('listLoadBalancerRules', {}, user)).content.loadbalancerrule[0]).toMatchObject({
    name: 'api-lb',
    publicport: '6443',
    privateport: '6443',
    algorithm: 'roundrobin',
  });
  expect((await h.call('listPublicIpAddresses', { issourcenat: 'true' }, user)).content).toMatchObject({
    count: 1,
    publicipaddress: [{ issourcenat: true, associatednetworkname: 'seen-network' }],
  });
  expect((await h.call('listNetworks', { name: 'seen-network' }, user)).content.network[0]).toMatchObject({
    cidr: '10.1.0.0/24',
    type: 'Isolated',
  });
  expect(
    (await h.call('listVirtualMachines', { name: 'seen-worker-1' }, user)).content.virtualmachine[0],
  ).toMatchObject({ cpunumber: 2, memory: 2048, cpuspeed: 2000 });
  for (const list of ['listNetworks', 'listVirtualMachines', 'listFirewallRules'])
    expect((await h.call(list, { listall: 'true' }, h.users.other)).content).toEqual({});
});

describe('SSH key pairs', () => {
  test('one is made: its private key is shown once and kept nowhere', async () => {
    const { keypair } = (await h.call('createSSHKeyPair', { name: 'fresh' }, h.users.U)).content;
    expect(keypair.privatekey).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----/);
    expect(keypair.fingerprint).toMatch(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/);
    expect(keypair).toMatchObject({ name: 'fresh', account: 'user', domain: 'qa' });
    const body = (keypair.privatekey as string).split('\n')[2];
    for (const table of ['ssh_keypairs', 'secret', 'event'])
      expect(JSON.stringify(await h.db(table))).not.toContain(body);
    expect((await h.call('listSSHKeyPairs', { name: 'fresh' }, h.users.U)).content.sshkeypair[0]).not.toHaveProperty(
      'privatekey',
    );
  });
  test('a public key is registered; a taken name or key and a private key are refused', async () => {
    const rsa = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8lT0tL5R0hVn1bH1vJm7m2Q0q0yJ2S1wq1o3N6V8xY me@host';
    const first = await h.call('registerSSHKeyPair', { name: 'given', publickey: rsa }, h.users.U);
    expect(first.content.keypair.name).toBe('given');
    for (const params of [
      { name: 'given', publickey: 'x' },
      { name: 'given', publickey: rsa },
      { name: 'again', publickey: rsa },
      { name: 'none', publickey: 'ssh-rsa AAAA' },
    ]) {
      const reply = await h.call('registerSSHKeyPair', params, h.users.U);
      expect([reply.status, reply.content.cserrorcode]).toEqual([431, 4350]);
    }
    expect((await h.call('registerSSHKeyPair', { name: 'given', publickey: rsa }, h.users.other)).status).toBe(200);
    expect((await h.call('deleteSSHKeyPair', { name: 'given' }, h.users.U)).body).toEqual({
      deletesshkeypairresponse: { success: true },
    });
    expect((await h.call('deleteSSHKeyPair', { name: 'given' }, h.users.U)).status).toBe(431);
  });
  test('an owner is named by account and domain, and must be accessible', async () => {
    const owner = { account: 'user', domainid: h.users.U.domainId };
    expect((await h.call('createSSHKeyPair', { name: 'for-user', ...owner }, h.users.D)).content.keypair.account).toBe(
      'user',
    );
    expect((await h.call('createSSHKeyPair', { name: 'for-user-2', ...owner }, h.users.other)).status).toBe(531);
    expect((await h.call('createSSHKeyPair', { name: 'x', account: 'user' }, h.users.D)).status).toBe(431);
  });
});

describe('settings', () => {
  test('are shown with their defaults, changed, checked, and told of in an event', async () => {
    const name = 'cloud.kubernetes.cluster.max.size';
    const [before] = (await h.call('listConfigurations', { name })).content.configuration;
    expect(before).toMatchObject({
      name,
      value: '10',
      defaultvalue: '10',
      category: 'Advanced',
      parent: 'cloud.kubernetes.service.enabled',
      type: 'Number',
      isdynamic: true,
    });
    expect((await h.call('updateConfiguration', { name, value: '20' })).content.configuration.value).toBe('20');
    expect(
      (await h.call('updateConfiguration', { name, value: '5', accountid: h.users.U.accountId })).content.configuration,
    ).toMatchObject({ value: '5', scope: 'account' });
    expect((await h.call('listConfigurations', { name })).content.configuration[0].value).toBe('20');
    expect(
      (await h.call('listConfigurations', { name, accountid: h.users.U.accountId })).content.configuration[0].value,
    ).toBe('5');
    expect((await h.call('updateConfiguration', { name, value: 'many' })).status).toBe(431);
    expect((await h.call('listEvents', { type: 'CONFIGURATION.VALUE.EDIT' })).content.count).toBe(2);
  });
});

describe('keys of users', () => {
  test('new ones replace the old ones', async () => {
    const { userkeys } = (await h.call('registerUserKeys', { id: h.users.other.userId })).content;
    expect(userkeys.apikey).toMatch(/^[\w-]{86}$/);
    expect((await h.call('listZones', {}, h.users.other)).status).toBe(401);
    Object.assign(h.users.other, { apiKey: userkeys.apikey, secretKey: userkeys.secretkey });
    expect((await h.call('listZones', {}, h.users.other)).status).toBe(200);
    expect((await h.call('getUserKeys', { id: h.users.other.userId }, h.users.other)).content.userkeys).toEqual({
      ...userkeys,
      apikeyaccess: true,
    });
  });
  test('another user’s are refused, a root admin’s also to a domain admin', async () => {
    expect((await h.call('getUserKeys', { id: h.users.A.userId }, h.users.U)).status).toBe(531);
    expect((await h.call('registerUserKeys', { id: h.users.A.userId }, h.users.D)).status).toBe(531);
    expect((await h.call('getUserKeys', { id: h.users.U.userId }, h.users.D)).status).toBe(200);
  });
  test('getUser finds by API key', async () => {
    expect((await h.call('getUser', { userapikey: h.users.U.apiKey })).content.user).toMatchObject({
      username: 'user',
      roletype: 'User',
      accounttype: 0,
    });
  });
});

test('listApis has what cmk crashes without', async () => {
  const { count, api } = (await h.call('listApis', { listall: 'true' })).content;
  expect(count).toBe(api.length);
  for (const each of api) {
    expect([
      typeof each.name,
      typeof each.description,
      typeof each.isasync,
      Array.isArray(each.params),
      Array.isArray(each.response),
    ]).toEqual(['string', 'string', 'boolean', true, true]);
    for (const param of each.params)
      expect([typeof param.name, typeof param.type, typeof param.description, typeof param.required]).toEqual([
        'string',
        'string',
        'string',
        'boolean',
      ]);
  }
  expect((api as { name: string }[]).find(({ name }) => name === 'createKubernetesCluster')).toMatchObject({
    isasync: true,
    related: expect.stringContaining('listKubernetesClusters'),
  });
  expect((await h.call('listApis', { name: 'listZones' })).content.count).toBe(1);
  expect((await h.call('listApis', { name: 'getUser' }, h.users.U)).status).toBe(530);
  expect(
    ((await h.call('listApis', {}, h.users.U)).content.api as { name: string }[]).map(({ name }) => name),
  ).not.toContain('updateConfiguration');
});
