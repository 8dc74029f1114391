/* eslint-disable @typescript-eslint/no-unsafe-return -- answers are whatever the server said */
import { addMachine } from './fixtures.js';
import { Harness, type Reply, type TestUser } from './harness.js';

/** Every parameter of the network commands that the other tests do not give: what it chooses, or that it is refused. */
let h: Harness;
let user: TestUser;
let zoneid: string;
/** Ids by the names below. */
const ids: Record<string, string> = {};
const offerings: Record<string, string> = {};

const call = async (command: string, params: Record<string, string> = {}, as = user) => {
  const reply: Reply = await h.call(command, params, as);
  if (reply.status !== 200) throw new Error(`${command}: ${reply.status} ${reply.content.errortext}`);
  return reply.content;
};
/** The result of a job; nothing here is on a gateway yet, so its change is settled at once. */
const made = async (command: string, params: Record<string, string>) => {
  const { jobid } = await call(command, params);
  const job = await call('queryAsyncJobResult', { jobid });
  expect(job).toMatchObject({ jobstatus: 1 });
  return Object.values(job.jobresult)[0] as Record<string, never>;
};
const refusal = async (command: string, params: Record<string, string>) => {
  const { status, content } = await h.call(command, params, user);
  return `${status} ${content.errortext}`;
};

beforeAll(async () => {
  h = await Harness.start();
  user = h.users.U;
  zoneid = (await call('listZones')).zone[0].id;
  for (const { id, name } of (await call('listNetworkOfferings')).networkoffering) offerings[name] = id;
  const network = async (name: string, more: Record<string, string>, as = user) =>
    (ids[name] = (await call('createNetwork', { name, zoneid, ...more }, as)).network.id);
  const isolated = { networkofferingid: offerings['DefaultNetworkOfferingforKubernetesService']! };
  const range = { netmask: '255.255.255.0' };
  await network('plain', isolated);
  await network('named', { ...isolated, networkdomain: 'shop.example' });
  await network('office', { networkofferingid: offerings['DefaultSharedNetworkOffering']!, ...range, gateway: '172.20.0.1', startip: '172.20.0.9', vlan: '9' }, h.users.A); // prettier-ignore
  const vpcofferingid = (await call('listVPCOfferings')).vpcoffering[0].id as string;
  ids['shop'] = (await made('createVPC', { name: 'shop', cidr: '10.1.0.0/16', vpcofferingid, zoneid }))['id']!;
  ids['acl'] = (await made('createNetworkACLList', { name: 'web', vpcid: ids['shop'] }))['id']!;
  await network('tier', { networkofferingid: offerings['DefaultIsolatedNetworkOfferingForVpcNetworks']!, vpcid: ids['shop'], aclid: ids['acl'], gateway: '10.1.1.1', ...range }); // prettier-ignore
  for (const name of ['plain', 'named']) ids[`${name} nat`] = (await made('associateIpAddress', { networkid: ids[name]! }))['id']!; // prettier-ignore
  ids['second'] = (await made('associateIpAddress', { networkid: ids['plain']!, zoneid }))['id']!;
  ids['of vpc'] = (await made('associateIpAddress', { vpcid: ids['shop'] }))['id']!;
  ids['vpc nat'] = (await call('listPublicIpAddresses', { vpcid: ids['shop'], issourcenat: 'true' })).publicipaddress[0].id; // prettier-ignore
  ids['machine'] = await addMachine(h.db, user, ids['plain']!, '10.160.4.20');
});
afterAll(() => h.stop());

/** The names under `ids` of what a list holds, in alphabetical order. */
async function listed(command: string, params: Record<string, string>, as?: TestUser): Promise<string[]> {
  const { count, ...rest } = await call(command, params, as);
  const rows = (Object.values(rest)[0] ?? []) as { id: string; name?: string }[];
  expect(count ?? 0).toBe(rows.length);
  const known = new Map(Object.entries(ids).map(([name, id]) => [id, name]));
  return rows.map(({ id, name }) => known.get(id) ?? name ?? id).sort();
}

describe('listNetworkOfferings', () => {
  const [isolated, shared, tier] = ['DefaultNetworkOfferingforKubernetesService', 'DefaultSharedNetworkOffering', 'DefaultIsolatedNetworkOfferingForVpcNetworks'] as const; // prettier-ignore
  test.each<[Record<string, string>, string[]]>([
    [{ state: 'enabled' }, [tier, isolated, shared]],
    [{ state: 'Disabled' }, []],
    [{ guestiptype: 'shared' }, [shared]],
    [{ forvpc: 'true' }, [tier]],
    [{ forvpc: 'false', specifyvlan: 'false' }, [isolated]],
    [{ specifyvlan: 'true' }, [shared]],
    [{ traffictype: 'Guest' }, [tier, isolated, shared]],
    [{ traffictype: 'Public' }, []],
    [{ isdefault: 'true' }, [tier, isolated, shared]],
    [{ isdefault: 'false' }, []],
    [{ routingmode: 'Dynamic' }, []],
    [{ supportedservices: 'NetworkACL' }, [tier]],
    [{ supportedservices: 'Lb,Firewall' }, [isolated]],
    [{ supportedservices: 'dhcp,Vpn' }, [tier, isolated]],
    [{ supportedservices: 'Nat' }, []],
    [{ supportedservices: 'Dhcp,' }, [tier, isolated, shared]],
    [{ supportedservices: 'Dhcp_Dns' }, []],
  ])('%j', async (params, expected) => {
    expect(await listed('listNetworkOfferings', { ...params, zoneid })).toEqual(expected);
  });
});

describe('listNetworks', () => {
  test.each<[Record<string, string>, string[]]>([
    [{}, ['named', 'office', 'plain', 'tier']],
    [{ forvpc: 'true' }, ['tier']],
    [{ forvpc: 'false', type: 'Isolated' }, ['named', 'plain']],
    [{ type: 'L2' }, []],
    [{ issystem: 'true' }, []],
    [{ traffictype: 'Public' }, []],
    [{ canusefordeploy: 'false' }, []],
    [{ canusefordeploy: 'true', issystem: 'false', traffictype: 'guest' }, ['named', 'office', 'plain', 'tier']],
    [{ supportedservices: 'NetworkACL' }, ['tier']],
    [{ supportedservices: 'Network' }, []],
    [{ networkfilter: 'Account' }, ['named', 'plain', 'tier']],
    [{ networkfilter: 'Domain' }, ['office']],
    [{ networkfilter: 'AccountDomain' }, ['named', 'office', 'plain', 'tier']],
    [{ networkfilter: 'All' }, ['named', 'office', 'plain', 'tier']],
    [{ networkfilter: 'Shared' }, []],
  ])('%j', async (params, expected) => {
    expect(await listed('listNetworks', { ...params, zoneid })).toEqual(expected);
  });

  test('retrieveonlyresourcecount and networkfilter', async () => {
    expect(await call('listNetworks', { retrieveonlyresourcecount: 'true' })).toEqual({ count: 4 });
    expect(await refusal('listNetworks', { networkfilter: 'mine' })).toMatch(/^431 .*found "mine"/);
  });
});

test('createNetwork: networkdomain and aclid are shown, what belongs to routed networks or to no VPC is refused', async () => {
  expect((await call('listNetworks', { id: ids['named']! })).network[0].networkdomain).toBe('shop.example');
  expect((await call('listNetworks', { id: ids['tier']! })).network[0]).toMatchObject({ aclid: ids['acl'], aclname: 'web' }); // prettier-ignore
  const asked = { name: 'bad', zoneid, networkofferingid: offerings['DefaultNetworkOfferingforKubernetesService']! };
  for (const [name, value] of [
    ['asnumber', '7'],
    ['cidrsize', '24'],
  ] as const)
    // prettier-ignore
    expect(await refusal('createNetwork', { ...asked, [name]: value })).toMatch(/^431 .*routed networks/);
  expect(await refusal('createNetwork', { ...asked, aclid: ids['acl']! })).toMatch(/^431 .*only with vpcid/);
});

test('deleteNetwork: forced deletes no network that is in use', async () => {
  const { jobid } = await call('deleteNetwork', { id: ids['plain']!, forced: 'true' });
  const job = await call('queryAsyncJobResult', { jobid });
  expect(job).toMatchObject({ jobstatus: 2, jobresult: { errortext: expect.stringContaining('in use by machine') as string } }); // prettier-ignore
});

describe('listVPCs', () => {
  test.each<[Record<string, string>, string[]]>([
    [{ name: 'SHOP' }, ['shop']],
    [{ name: 'sho' }, []],
    [{ state: 'enabled' }, ['shop']],
    [{ state: 'Inactive' }, []],
    [{ keyword: 'ho' }, ['shop']],
  ])('%j', async (params, expected) => {
    expect(await listed('listVPCs', { ...params, zoneid })).toEqual(expected);
  });
  test('vpcofferingid', async () => {
    const vpcofferingid = (await call('listVPCOfferings')).vpcoffering[0].id as string;
    expect(await listed('listVPCs', { vpcofferingid })).toEqual(['shop']);
  });
});

describe('network ACLs', () => {
  beforeAll(async () => {
    const item = async (name: string, more: Record<string, string>) =>
      (ids[name] = (await made('createNetworkACL', { networkid: ids['tier']!, ...more }))['id']!);
    await item('web', { protocol: 'TCP', startport: '80', endport: '81', cidrlist: '10.0.0.0/8,192.168.0.0/16', reason: 'the shop' }); // prettier-ignore
    await item('ping', { protocol: 'icmp', icmptype: '8', icmpcode: '0', action: 'deny' });
    await item('out', { protocol: 'udp', startport: '53', traffictype: 'egress' });
  });

  test.each<[Record<string, string>, string[]]>([
    [{}, ['out', 'ping', 'web']],
    [{ protocol: 'icmp' }, ['ping']],
    [{ traffictype: 'Egress' }, ['out']],
    [{ traffictype: 'ingress', action: 'allow' }, ['web']],
    [{ action: 'Deny' }, ['ping']],
  ])('listNetworkACLs %j', async (params, expected) => {
    expect(await listed('listNetworkACLs', { ...params, networkid: ids['tier']! })).toEqual(expected);
    expect(await listed('listNetworkACLs', { ...params, aclid: ids['acl']! })).toEqual(expected);
  });

  test('items show what they were given, in their order', async () => {
    expect((await call('listNetworkACLs', { aclid: ids['acl']! })).networkacl).toMatchObject([
      { number: 1, protocol: 'tcp', startport: '80', endport: '81', cidrlist: '10.0.0.0/8,192.168.0.0/16', reason: 'the shop' },
      { number: 2, protocol: 'icmp', icmptype: 8, icmpcode: 0, action: 'Deny' },
      { number: 3, protocol: 'udp', startport: '53', endport: '53', traffictype: 'Egress' },
    ]); // prettier-ignore
  });

  test.each([
    [{ protocol: 'icmp', startport: '1' }, /Ports cannot be used/],
    [{ protocol: 'tcp', icmptype: '8' }, /icmptype and icmpcode cannot be used/],
    [{ protocol: 'icmp', icmptype: '300' }, /Invalid value for icmptype/],
    [{ protocol: 'gre' }, /expected tcp, udp, icmp, all/],
    [{ protocol: 'tcp', startport: '9', endport: '8' }, /must not be below/],
    [{ protocol: 'all', action: 'Drop' }, /Invalid action/],
    [{ protocol: 'all', traffictype: 'Both' }, /Invalid traffictype/],
    [{ protocol: 'all', number: '0' }, /Invalid number/],
    [{ protocol: 'all', cidrlist: '10.0.0.0/33' }, /Invalid value in cidrlist/],
  ])('createNetworkACL refuses %j', async (params, text) => {
    const reply = await refusal('createNetworkACL', { aclid: ids['acl']!, ...(params as Record<string, string>) });
    expect(reply).toMatch(/^431 /);
    expect(reply).toMatch(text);
  });
  test('createNetworkACL needs to know which', async () => {
    expect(await refusal('createNetworkACL', { protocol: 'all' })).toMatch(/^431 .*Give aclid or networkid/);
    expect(await refusal('createNetworkACL', { protocol: 'all', networkid: ids['plain']! })).toMatch(/^431 .*no tier of a VPC/); // prettier-ignore
  });
});

describe('listPublicIpAddresses', () => {
  const mine = ['named nat', 'of vpc', 'plain nat', 'second', 'vpc nat'];
  test.each<[Record<string, string>, string[]]>([
    [{}, mine],
    [{ vpcid: 'shop' }, ['of vpc', 'vpc nat']],
    [{ associatednetworkid: 'plain', issourcenat: 'false' }, ['second']],
    [{ issourcenat: 'true' }, ['named nat', 'plain nat', 'vpc nat']],
    [{ isstaticnat: 'true' }, []],
    [{ isstaticnat: 'false' }, mine],
    [{ forvirtualnetwork: 'true' }, mine],
    [{ forvirtualnetwork: 'false' }, []],
    [{ allocatedonly: 'false' }, mine],
    [{ state: 'allocated' }, mine],
    [{ state: 'Releasing' }, []],
    [{ forloadbalancing: 'true' }, []],
  ])('%j', async (params, expected) => {
    const resolved = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, ids[value] ?? value]));
    expect(await listed('listPublicIpAddresses', { ...resolved, zoneid })).toEqual(expected);
  });

  test('ipaddress; and free ones are for root admins', async () => {
    const { ipaddress } = (await call('listPublicIpAddresses', { id: ids['second']! })).publicipaddress[0];
    expect(await listed('listPublicIpAddresses', { ipaddress })).toEqual(['second']);
    const free = (await call('listPublicIpAddresses', { state: 'Free' }, h.users.A)).publicipaddress as { state: string }[]; // prettier-ignore
    expect(new Set(free.map(({ state }) => state))).toEqual(new Set(['Free']));
    expect(await listed('listPublicIpAddresses', { state: 'Free' })).toEqual([]);
  });
});

test('associateIpAddress: portable addresses, a zone with many networks and a network outside the VPC are refused', async () => {
  const ask = (params: Record<string, string>) => refusal('associateIpAddress', params);
  expect(await ask({ networkid: ids['plain']!, isportable: 'true' })).toMatch(/^431 .*no portable addresses/);
  expect(await ask({ zoneid })).toMatch(/^431 .*more than one isolated network in the zone: give networkid or vpcid/);
  expect(await ask({ networkid: ids['plain']!, vpcid: ids['shop']! })).toMatch(/^431 .*is not a tier of VPC/);
  expect(await ask({ networkid: ids['office']! })).toMatch(/^531 /);
  const shared = await h.call('associateIpAddress', { networkid: ids['office']! });
  expect(shared.content.errortext).toMatch(/is shared/);
});

test('egress rules take sources, destinations and ICMP types, and are listed by id', async () => {
  const rule = { networkid: ids['plain']!, protocol: 'icmp', icmptype: '8', icmpcode: '-1', cidrlist: '10.160.4.0/25', destcidrlist: '198.51.100.0/24,192.0.2.0/24' }; // prettier-ignore
  const { id } = await made('createEgressFirewallRule', rule);
  await made('createEgressFirewallRule', { networkid: ids['plain']!, protocol: 'all' });
  expect((await call('listEgressFirewallRules', { id: id! })).firewallrule).toMatchObject([
    { id, icmptype: 8, icmpcode: -1, cidrlist: '10.160.4.0/25', destcidrlist: '192.0.2.0/24,198.51.100.0/24', traffictype: 'Egress' },
  ]); // prettier-ignore
  expect(await refusal('createEgressFirewallRule', { ...rule, networkid: ids['tier']! })).toMatch(/^431 /);
});

describe('balancer rules', () => {
  beforeAll(async () => {
    const rule = {
      publicipid: ids['second']!,
      name: 'web',
      algorithm: 'source',
      publicport: '80',
      privateport: '8080',
    };
    const open = { ...rule, description: 'the shop', openfirewall: 'true', cidrlist: '192.0.2.0/24', zoneid };
    ids['lb'] = (await made('createLoadBalancerRule', open))['id']!;
    ids['closed'] = (await made('createLoadBalancerRule', { ...rule, name: 'db', publicport: '81', openfirewall: 'false' }))['id']!; // prettier-ignore
    const member = { 'vmidipmap[0].vmid': ids['machine']!, 'vmidipmap[0].vmip': '10.160.4.20' };
    await made('assignToLoadBalancerRule', { id: ids['lb'], ...member });
  });

  test('show what they were given; the firewall is opened for it unless told otherwise', async () => {
    expect((await call('listLoadBalancerRules', { id: ids['lb']! })).loadbalancerrule[0]).toMatchObject({ description: 'the shop', cidrlist: '192.0.2.0/24' }); // prettier-ignore
    expect((await call('listFirewallRules', { ipaddressid: ids['second']! })).firewallrule).toMatchObject([
      { startport: 80, endport: 80, cidrlist: '192.0.2.0/24' },
    ]);
    expect(await listed('listPublicIpAddresses', { forloadbalancing: 'true' })).toEqual(['second']);
  });

  test.each<[Record<string, string>, string[]]>([
    [{ publicipid: 'second' }, ['closed', 'lb']],
    [{ publicipid: 'named nat' }, []],
    [{ networkid: 'plain' }, ['closed', 'lb']],
    [{ networkid: 'named' }, []],
    [{ virtualmachineid: 'machine' }, ['lb']],
    [{ name: 'WEB' }, ['lb']],
    [{ keyword: 'd' }, ['closed']],
  ])('listLoadBalancerRules %j', async (params, expected) => {
    const resolved = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, ids[value] ?? value]));
    expect(await listed('listLoadBalancerRules', { ...resolved, zoneid })).toEqual(expected);
  });

  test('updateLoadBalancerRule changes what is given and nothing else', async () => {
    const changed = await made('updateLoadBalancerRule', { id: ids['closed']!, name: 'data', description: 'for the shop' }); // prettier-ignore
    expect(changed).toMatchObject({ name: 'data', description: 'for the shop', algorithm: 'source', publicport: '81' });
    expect(await refusal('updateLoadBalancerRule', { id: ids['closed']!, algorithm: 'random' })).toMatch(/^431 .*found "random"/); // prettier-ignore
  });

  test('members with an address that is not theirs are refused; vmidipmap takes one out again', async () => {
    const at = (vmip: string) => ({ id: ids['lb']!, 'vmidipmap[0].vmid': ids['machine']!, 'vmidipmap[0].vmip': vmip });
    expect(await refusal('assignToLoadBalancerRule', at('10.160.4.99'))).toMatch(/^431 .*10\.160\.4\.99/);
    expect(await refusal('assignToLoadBalancerRule', { id: ids['lb']! })).toMatch(/^431 .*virtualmachineids or vmidipmap/); // prettier-ignore
    await made('removeFromLoadBalancerRule', at('10.160.4.20'));
    expect(await listed('listLoadBalancerRules', { virtualmachineid: ids['machine']! })).toEqual([]);
  });
});

test('createPortForwardingRule: vmguestip is the address of the machine', async () => {
  const rule = { ipaddressid: ids['plain nat']!, protocol: 'udp', publicport: '53', privateport: '5353', virtualmachineid: ids['machine']! }; // prettier-ignore
  expect(await made('createPortForwardingRule', { ...rule, vmguestip: '10.160.4.20', networkid: ids['plain']!, openfirewall: 'false' })).toMatchObject({ vmguestip: '10.160.4.20', protocol: 'udp' }); // prettier-ignore
  expect((await call('listFirewallRules', { ipaddressid: ids['plain nat']! })).firewallrule).toBeUndefined();
});
