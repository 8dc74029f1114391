/* eslint-disable @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-return -- answers are whatever the server said */
import type { Client } from '@temporalio/client';
import { applyNetworkRows, ensureNetworkImplemented, resumeNetworkJobs } from '../../activities/networks.js';
import type { Gateway, GatewayNetwork } from '../../activities/gateway/driver.js';
import { now } from '../../db/knex.js';
import { settleNetworkChange } from '../../db/network-changes.js';
import type { NetworkChangeInput } from '../../workflows/model/network-change.js';
import { fault } from '../../workflows/model/fault.js';
import { addCluster, addMachine as addMachineRow } from './fixtures.js';
import { Harness, type Reply, type TestUser } from './harness.js';

/** Runs that the API started, as Temporal would have them. */
const started: { id: string; input: NetworkChangeInput }[] = [];
const temporal = {
  workflow: {
    start: (type: string, { workflowId, args }: { workflowId: string; args: [NetworkChangeInput] }) => {
      if (type === 'applyNetwork') started.push({ id: workflowId, input: args[0] });
      return Promise.resolve();
    },
  },
} as unknown as Client;

/** What the gateway holds, by namespace. */
const held = new Map<string, GatewayNetwork>();
let gatewayFails = false;
const gateway: Gateway = {
  ensureAddress: () => Promise.resolve(),
  apply: (network) => {
    if (gatewayFails) return Promise.reject(fault('GatewayFailed', 'the gateway says no'));
    held.set(network.networkId, network);
    return Promise.resolve();
  },
  holds: (network) => Promise.resolve(JSON.stringify(held.get(network.networkId)) === JSON.stringify(network)),
  ensureAbsent: (id) => {
    if (gatewayFails) return Promise.reject(fault('GatewayFailed', 'the gateway says no'));
    held.delete(id);
    return Promise.resolve();
  },
};

let h: Harness;
let user: TestUser;
let zoneid: string;
let offerings: Record<'isolated' | 'shared' | 'tier' | 'vpc', string>;
beforeAll(async () => {
  h = await Harness.start({ temporal: () => temporal });
  user = h.users.U;
  zoneid = (await h.call('listZones')).content.zone[0].id;
  const networkOfferings = (await h.call('listNetworkOfferings')).content.networkoffering;
  const named = (name: string): string => networkOfferings.find((each: { name: string }) => each.name === name).id;
  offerings = {
    isolated: named('DefaultNetworkOfferingforKubernetesService'),
    shared: named('DefaultSharedNetworkOffering'),
    tier: named('DefaultIsolatedNetworkOfferingForVpcNetworks'),
    vpc: (await h.call('listVPCOfferings')).content.vpcoffering[0].id,
  };
});
afterAll(() => h.stop());
beforeEach(() => {
  started.length = 0;
  gatewayFails = false;
});

const deps = () => ({ db: h.db, openGateway: () => gateway });
const errorOf = (reply: Reply) => `${reply.status} ${reply.content.errortext}`;

/** Plays the runs that were started, as `workflows/apply-network.ts` does. */
async function runJobs(): Promise<void> {
  for (const { input } of started.splice(0)) {
    const outcome = await applyNetworkRows(deps(), input).then(
      () => ({ ok: true }),
      (error: Error) => ({ ok: false, reason: error.message }),
    );
    await settleNetworkChange(h.db, input.jobId, outcome);
  }
}

async function jobOf(reply: Reply, as = user) {
  expect(reply.status).toBe(200);
  return (await h.call('queryAsyncJobResult', { jobid: reply.content.jobid }, as)).content;
}
/** The job's result after its run. */
async function done(reply: Reply, as = user) {
  await runJobs();
  const job = await jobOf(reply, as);
  expect(job).toMatchObject({ jobstatus: 1, jobresultcode: 0 });
  return job.jobresult;
}

let count = 0;
const newNetwork = async (more: Record<string, string> = {}, as = user): Promise<string> => {
  const name = `net-${++count}`;
  const reply = await h.call('createNetwork', { name, networkofferingid: offerings.isolated, zoneid, ...more }, as);
  expect(reply.status).toBe(200);
  return reply.content.network.id;
};

const addMachine = (networkId: string, address: string, as = user) => addMachineRow(h.db, as, networkId, address);

/** A user's network that is on the gateway, with a machine and a second address. */
async function liveNetwork(as = user) {
  const networkid = await newNetwork({}, as);
  const [first] = (await h.call('listNetworks', { id: networkid }, as)).content.network;
  const virtualmachineid = await addMachine(networkid, first.gateway.replace(/\.1$/, '.20'), as);
  await ensureNetworkImplemented(deps(), networkid);
  const { ipaddress } = await done(await h.call('associateIpAddress', { networkid }, as), as);
  return { networkid, virtualmachineid, ipaddressid: ipaddress.id as string, address: ipaddress.ipaddress as string };
}

describe('createNetwork', () => {
  test('makes an isolated network with a range of the zone', async () => {
    const reply = await h.call('createNetwork', { name: 'plain', networkofferingid: offerings.isolated, zoneid }, user);
    expect(reply.content.network).toMatchObject({
      name: 'plain', displaytext: 'plain', type: 'Isolated', state: 'Allocated', zoneid, account: 'user', acltype: 'Account', issystem: false, egressdefaultpolicy: true,
    }); // prettier-ignore
    expect(reply.content.network.cidr).toMatch(/^10\.\d+\.\d+\.0\/22$/);
    const events = await h.call('listEvents', { type: 'NETWORK.CREATE' }, user);
    expect(events.content.event[0].description).toBe('Successfully created network plain');
  });

  test('takes the gateway and netmask that are asked for', async () => {
    const id = await newNetwork({ gateway: '192.168.7.1', netmask: '255.255.255.0' });
    const [network] = (await h.call('listNetworks', { id }, user)).content.network;
    expect(network).toMatchObject({ cidr: '192.168.7.0/24', gateway: '192.168.7.1', netmask: '255.255.255.0' });
  });

  test.each([
    [{ gateway: '10.0.0.1' }, /gateway and netmask must be given together/],
    [{ gateway: '10.0.0.300', netmask: '255.255.255.0' }, /Invalid gateway.*10\.0\.0\.300/],
    [{ gateway: '10.0.0.1', netmask: '255.0.255.0' }, /Invalid netmask.*255\.0\.255\.0/],
    [{ gateway: '10.0.0.0', netmask: '255.255.255.0' }, /first or last address/],
    [{ gateway: '127.0.5.1', netmask: '255.255.255.0' }, /loopback/],
    [{ gateway: '10.0.0.1', netmask: '255.0.0.0' }, /found \/8/],
    [{ startip: '10.0.0.5' }, /belong to shared networks/],
    [{ asnumber: '7' }, /routed networks/],
    [{ networkofferingid: 'TIER' }, /vpcid is required/],
    [
      { networkofferingid: 'SHARED', gateway: '10.9.0.1', netmask: '255.255.255.0', startip: '10.9.0.5' },
      /Only root admins/,
    ],
  ])('refuses %j', async (more: Record<string, string>, text) => {
    const params = { name: 'bad', networkofferingid: offerings.isolated, zoneid, ...more };
    if (more['networkofferingid'] === 'TIER') params.networkofferingid = offerings.tier;
    if (more['networkofferingid'] === 'SHARED') params.networkofferingid = offerings.shared;
    const reply = await h.call('createNetwork', params, user);
    expect([431, 531]).toContain(reply.status);
    expect(reply.content.errortext).toMatch(text);
    expect((await h.call('listNetworks', { name: 'bad' }, user)).content).toEqual({});
  });

  test('refuses a range that meets another one of a zone whose networks share a bridge, whoever has it', async () => {
    const mode = (network_mode: string) => h.db('data_center').where({ uuid: zoneid }).update({ network_mode });
    const asked = { name: 'theirs', networkofferingid: offerings.isolated, zoneid, gateway: '192.168.9.129', netmask: '255.255.255.128' }; // prettier-ignore
    await newNetwork({ gateway: '192.168.9.1', netmask: '255.255.255.0' });
    const vpc = await h.call('createVPC', { name: 'bridged', cidr: '192.168.8.0/22', vpcofferingid: offerings.vpc, zoneid }, user); // prettier-ignore
    const { id: vpcid } = (await done(vpc)).vpc;
    const tier = { ...asked, networkofferingid: offerings.tier, vpcid };
    const shared = { ...asked, networkofferingid: offerings.shared, startip: '192.168.9.150' };
    await mode('bridge');
    try {
      const text =
        /^431 .*192\.168\.9\.128\/25 overlaps 192\.168\.9\.0\/24 of another network .*share the bridge cksbr0/;
      expect(errorOf(await h.call('createNetwork', asked, h.users.other))).toMatch(text);
      expect(errorOf(await h.call('createNetwork', tier, user))).toMatch(text);
      expect(errorOf(await h.call('createNetwork', { ...shared, bridge: 'cksbr0' }))).toMatch(text);
      const elsewhere = await h.call('createNetwork', { ...shared, bridge: 'br7' });
      await done(await h.call('deleteNetwork', { id: elsewhere.content.network.id }), h.users.A);
      // What the zone chooses passes by ranges that users chose.
      const next = (await h.call('createNetwork', { name: 'n', networkofferingid: offerings.isolated, zoneid }, user)).content.network; // prettier-ignore
      await h.db('networks').where({ uuid: next.id }).update({ active_number: null });
      await newNetwork({ gateway: next.gateway, netmask: '255.255.255.0' });
      const other = (await h.call('createNetwork', { name: 'm', networkofferingid: offerings.isolated, zoneid }, user)).content.network; // prettier-ignore
      expect(other.cidr).not.toBe(next.cidr);
    } finally {
      await mode('simulated');
    }
    expect((await h.call('createNetwork', asked, h.users.other)).status).toBe(200);
  });

  test.each([
    ['cks7', /^431 Invalid bridge: cks7 is a name that this service gives to what it makes for networks of users/],
    ['cksx7', /^431 .*networks of users: join the hosts to a bridge of another name/],
    ['cksg7', /^431 .*networks of users/],
    ['cksv120', /^431 Invalid bridge: cksv120 is a name that stands for a VLAN: give vlan instead/],
  ])('refuses %s as the bridge of a shared network', async (bridge, text) => {
    const range = { gateway: '172.21.0.1', netmask: '255.255.255.0', startip: '172.21.0.50' };
    const reply = await h.call('createNetwork', { name: 'mine', networkofferingid: offerings.shared, zoneid, ...range, bridge }); // prettier-ignore
    expect(errorOf(reply)).toMatch(text);
  });

  test('makes a shared network that accounts of its domain see and others cannot delete', async () => {
    const range = { gateway: '172.20.0.1', netmask: '255.255.255.0', startip: '172.20.0.50', endip: '172.20.0.99' };
    const params = { name: 'office', networkofferingid: offerings.shared, zoneid, ...range, vlan: '120' };
    const made = await h.call('createNetwork', params);
    expect(made.content.network).toMatchObject({ type: 'Shared', state: 'Setup', acltype: 'Domain', vlan: '120', startip: '172.20.0.50' }); // prettier-ignore
    const { id } = made.content.network;
    const seen = (await h.call('listNetworks', { type: 'Shared' }, user)).content.network;
    expect(seen.map((each: { name: string }) => each.name)).toEqual(['office']);
    expect(seen[0]).not.toHaveProperty('vlan');
    expect(errorOf(await h.call('deleteNetwork', { id }, user))).toMatch(/^531 /);
    const overlapping = await h.call('createNetwork', { ...params, name: 'again', startip: '172.20.0.99', endip: '172.20.0.100' }); // prettier-ignore
    expect(errorOf(overlapping)).toMatch(/^431 .*overlap 172\.20\.0\.50-172\.20\.0\.99 of network office/);
    const neither = await h.call('createNetwork', { ...params, name: 'x', vlan: '' });
    expect(errorOf(neither)).toMatch(/^431 .*vlan/);
  });
});

describe('deleteNetwork', () => {
  test('of one that no gateway has ends at once and frees its address', async () => {
    const id = await newNetwork();
    const { ipaddress } = await done(await h.call('associateIpAddress', { networkid: id }, user));
    expect(ipaddress).toMatchObject({
      state: 'Allocated',
      issourcenat: true,
      associatednetworkid: id,
      account: 'user',
    });
    expect(started).toEqual([]);
    expect(await done(await h.call('deleteNetwork', { id }, user))).toEqual({ success: true });
    expect((await h.call('listNetworks', { id }, user)).content).toEqual({});
    expect(await h.db('user_ip_address').where({ uuid: ipaddress.id }).first('state', 'network_id', 'account_id')).toEqual({
      state: 'Free', network_id: null, account_id: null,
    }); // prettier-ignore
  });

  test('is refused in its job while machines or a cluster are in it, and names them (report 17)', async () => {
    const { networkid, virtualmachineid } = await liveNetwork();
    const machine = await h.db('vm_instance').where({ uuid: virtualmachineid }).first<{ name: string }>('name');
    const job = await jobOf(await h.call('deleteNetwork', { id: networkid }, user));
    expect(job).toMatchObject({ jobstatus: 2, jobresult: { errorcode: 530 } });
    expect(job.jobresult.errortext).toContain(`in use by machine ${machine.name}`);
    const cluster = await addCluster(h.db, user, { name: 'stays' });
    const refused = await jobOf(await h.call('deleteNetwork', { id: cluster.networkId }, user));
    expect(refused.jobresult.errortext).toContain('in use by Kubernetes cluster stays, machine stays-control-0');
    expect((await h.call('listNetworks', { id: networkid }, user)).content.network[0].state).toBe('Implemented');
  });

  test('takes it off the gateway; when the gateway fails, it stays as it was', async () => {
    const { networkid, virtualmachineid } = await liveNetwork();
    await h
      .db('vm_instance')
      .where({ uuid: virtualmachineid })
      .update({ removed: now(h.db) });
    expect(held.has(networkid)).toBe(true);
    gatewayFails = true;
    const failing = await h.call('deleteNetwork', { id: networkid }, user);
    expect((await h.call('listNetworks', { id: networkid }, user)).content.network[0].state).toBe('Destroy');
    await runJobs();
    expect(await jobOf(failing)).toMatchObject({
      jobstatus: 2,
      jobresultcode: 530,
      jobresult: { errortext: expect.stringContaining('the gateway says no') as string },
    });
    expect((await h.call('listNetworks', { id: networkid }, user)).content.network[0].state).toBe('Implemented');
    gatewayFails = false;
    expect(await done(await h.call('deleteNetwork', { id: networkid }, user))).toEqual({ success: true });
    expect(held.has(networkid)).toBe(false);
    expect(await h.db('user_ip_address').where({ network_id: networkid })).toEqual([]);
  });
});

describe('addresses', () => {
  test('a second one of a network is held by the gateway, and can be released with its rules', async () => {
    const { networkid, ipaddressid, address, virtualmachineid } = await liveNetwork();
    expect(held.get(networkid)?.publicAddresses).toHaveLength(2);
    expect(held.get(networkid)?.publicAddresses[1]).toBe(address);
    await done(await h.call('createPortForwardingRule', { ipaddressid, protocol: 'tcp', publicport: '80', privateport: '8080', virtualmachineid }, user)); // prettier-ignore
    expect(held.get(networkid)?.forwards).toHaveLength(1);
    expect(await done(await h.call('disassociateIpAddress', { id: ipaddressid }, user))).toEqual({ success: true });
    expect(held.get(networkid)).toMatchObject({ forwards: [], openings: [] });
    expect(held.get(networkid)?.publicAddresses).toHaveLength(1);
    expect((await h.call('listPortForwardingRules', { networkid }, user)).content).toEqual({});
    expect(errorOf(await h.call('disassociateIpAddress', { ipaddress: address }, user))).toMatch(/^431 .*not acquired/);
  });

  test('the source NAT address cannot be released', async () => {
    const { networkid } = await liveNetwork();
    const [nat] = (await h.call('listPublicIpAddresses', { associatednetworkid: networkid, issourcenat: 'true' }, user)).content.publicipaddress; // prettier-ignore
    expect(errorOf(await h.call('disassociateIpAddress', { id: nat.id }, user))).toMatch(/^431 .*source nat purposes/);
  });

  test('an acquired address goes back when the gateway fails', async () => {
    const { networkid } = await liveNetwork();
    gatewayFails = true;
    const reply = await h.call('associateIpAddress', { networkid }, user);
    expect((await h.call('listPublicIpAddresses', { id: reply.content.id }, user)).content.publicipaddress[0].state).toBe('Allocating'); // prettier-ignore
    await runJobs();
    expect((await jobOf(reply)).jobresult.errortext).toMatch(
      /^Error while acquiring address 127\..*the gateway says no/,
    );
    expect((await h.call('listPublicIpAddresses', { id: reply.content.id }, user)).content).toEqual({});
    expect((await h.db('user_ip_address').where({ uuid: reply.content.id }).first<{ state: string }>()).state).toBe(
      'Free',
    );
  });

  test('a certain one can be asked for, and is refused when it is taken, unknown or nowhere for', async () => {
    const networkid = await newNetwork();
    const free = await h.db('user_ip_address').where({ state: 'Free' }).orderBy('id', 'desc').first<{ public_ip_address: string }>(); // prettier-ignore
    const ipaddress = free.public_ip_address;
    expect((await done(await h.call('associateIpAddress', { networkid, ipaddress }, user))).ipaddress.ipaddress).toBe(ipaddress); // prettier-ignore
    expect(errorOf(await h.call('associateIpAddress', { networkid, ipaddress }, user))).toMatch(/^431 .*is not free/);
    expect(errorOf(await h.call('associateIpAddress', { networkid, ipaddress: '192.0.2.77' }, user))).toMatch(/^431 .*has no public address/); // prettier-ignore
    expect(errorOf(await h.call('associateIpAddress', {}, user))).toMatch(/^431 Give networkid, vpcid or zoneid/);
  });

  test('with the zone alone it is for the only isolated network that the account has there', async () => {
    const [inZone, other] = [{ zoneid }, h.users.other];
    await h.db('networks').where({ account_id: other.accountId }).update({ removed: '2026-01-01 00:00:00.000' });
    expect(errorOf(await h.call('associateIpAddress', inZone, other))).toMatch(/^431 .*has no isolated network in the zone/); // prettier-ignore
    const isolated = { name: 'only', networkofferingid: offerings.isolated, zoneid };
    const { id } = (await h.call('createNetwork', isolated, other)).content.network;
    const { ipaddress } = await done(await h.call('associateIpAddress', inZone, other), other);
    expect(ipaddress).toMatchObject({ associatednetworkid: id });
    await h.call('createNetwork', { ...isolated, name: 'second' }, other);
    expect(errorOf(await h.call('associateIpAddress', inZone, other))).toMatch(/^431 .*has more than one isolated network/); // prettier-ignore
  });

  test('none left is 533', async () => {
    const networkid = await newNetwork();
    await h.db('user_ip_address').where({ state: 'Free' }).update({ state: 'Reserved' });
    expect(errorOf(await h.call('associateIpAddress', { networkid }))).toMatch(
      /^533 Zone sim-1 has no free public address/,
    );
    await h.db('user_ip_address').where({ state: 'Reserved' }).update({ state: 'Free' });
  });
});

describe('firewall rules', () => {
  test('have numbers for ports, and reach the gateway before their job ends', async () => {
    const { networkid, ipaddressid, address } = await liveNetwork();
    const reply = await h.call('createFirewallRule', { ipaddressid, protocol: 'TCP', startport: '443', endport: '444', cidrlist: '10.0.0.7/8,192.0.2.0/24' }, user); // prettier-ignore
    expect(Object.keys(reply.content).sort()).toEqual(['id', 'jobid']);
    expect((await jobOf(reply)).jobstatus).toBe(0);
    expect((await h.call('listFirewallRules', { id: reply.content.id }, user)).content.firewallrule[0].state).toBe(
      'Add',
    );
    const { firewallrule } = await done(reply);
    expect(firewallrule).toMatchObject({
      id: reply.content.id, protocol: 'tcp', startport: 443, endport: 444, cidrlist: '10.0.0.0/8,192.0.2.0/24', ipaddressid, ipaddress: address, networkid, state: 'Active',
      traffictype: 'Ingress',
    }); // prettier-ignore
    const opening = { publicAddress: address, protocol: 'tcp', from: 443, to: 444 };
    expect(held.get(networkid)?.openings).toEqual([{ ...opening, cidr: '10.0.0.0/8' }, { ...opening, cidr: '192.0.2.0/24' }]); // prettier-ignore
    expect(await done(await h.call('deleteFirewallRule', { id: firewallrule.id }, user))).toEqual({ success: true });
    expect(held.get(networkid)?.openings).toEqual([]);
    expect(errorOf(await h.call('deleteFirewallRule', { id: firewallrule.id }, user))).toMatch(
      /^431 .*entity does not exist/,
    );
  });

  test('conflict when protocol, ports and a source are shared', async () => {
    const { ipaddressid } = await liveNetwork();
    const rule = { ipaddressid, protocol: 'tcp', startport: '8000', endport: '8010', cidrlist: '10.0.0.0/8' };
    await done(await h.call('createFirewallRule', rule, user));
    const clash = await h.call('createFirewallRule', { ...rule, startport: '8010', endport: '8020' }, user);
    expect(clash.status).toBe(537);
    expect(clash.content).toMatchObject({ errorcode: 537, cserrorcode: 4360 });
    expect(clash.content.errortext).toMatch(/tcp 8010-8020 of 127\..* conflicts with rule .*tcp 8000-8010/);
    await done(await h.call('createFirewallRule', { ...rule, protocol: 'udp' }, user));
    await done(await h.call('createFirewallRule', { ...rule, cidrlist: '192.0.2.0/24' }, user));
    await done(
      await h.call('createFirewallRule', { ipaddressid, protocol: 'icmp', icmptype: '8', icmpcode: '0' }, user),
    );
    await done(await h.call('createFirewallRule', { ipaddressid, protocol: 'icmp' }, user));
    expect((await h.call('createFirewallRule', { ipaddressid, protocol: 'icmp' }, user)).status).toBe(537);
    const { count: listed, firewallrule } = (await h.call('listFirewallRules', { ipaddressid }, user)).content;
    expect(listed).toBe(5);
    expect(firewallrule.at(-1)).toMatchObject({ protocol: 'icmp', icmptype: -1, icmpcode: -1 });
    expect(firewallrule.at(-1)).not.toHaveProperty('startport');
  });

  test.each([
    [{ protocol: 'tcp', startport: '0' }, /startport.*found 0/],
    [{ protocol: 'tcp', startport: '70000' }, /startport.*found 70000/],
    [{ protocol: 'tcp', startport: '20', endport: '10' }, /endport \(10\) must not be below startport \(20\)/],
    [{ protocol: 'tcp', endport: '10' }, /endport needs startport/],
    [{ protocol: 'sctp' }, /expected tcp, udp, icmp, all, found "sctp"/],
    [{ protocol: 'icmp', startport: '1' }, /Ports cannot be used with protocol icmp/],
    [{ protocol: 'tcp', startport: '1', icmptype: '8' }, /icmptype/],
    [{ protocol: 'icmp', icmptype: '256' }, /found 256/],
    [{ protocol: 'tcp', startport: '22', cidrlist: '10.0.0.0/33' }, /cidrlist.*10\.0\.0\.0\/33/],
    [{ protocol: 'tcp', startport: '22', cidrlist: 'anywhere' }, /found "anywhere"/],
    [{ protocol: 'tcp', startport: 'ssh' }, /invalid value ssh for parameter startport/],
  ])('refuse %j', async (more, text) => {
    const { ipaddressid } = await liveNetwork();
    const reply = await h.call('createFirewallRule', { ipaddressid, ...(more as Record<string, string>) }, user);
    expect(reply.status).toBe(431);
    expect(reply.content.errortext).toMatch(text);
    expect(started).toEqual([]);
  });

  test('ports of a cluster cannot be taken, nor its rules deleted', async () => {
    const cluster = await addCluster(h.db, user, { name: 'guarded' });
    for (const port of ['6443', '2222', '2223']) {
      const reply = await h.call('createFirewallRule', { ipaddressid: cluster.addressId, protocol: 'tcp', startport: port }, user); // prettier-ignore
      expect(errorOf(reply)).toMatch(/^537 .*cluster/);
    }
    await h.db('firewall_rules').where({ ip_address_id: cluster.addressId }).delete();
    const early = { ipaddressid: cluster.addressId, protocol: 'tcp', publicport: '6443', privateport: '6443', virtualmachineid: cluster.machineIds[0]! }; // prettier-ignore
    expect(errorOf(await h.call('createPortForwardingRule', early, user))).toMatch(/^537 .*API server of Kubernetes cluster guarded/); // prettier-ignore
    const other = await addCluster(h.db, user, { name: 'kept' });
    const [rule] = (await h.call('listFirewallRules', { ipaddressid: other.addressId }, user)).content.firewallrule;
    const refused = await h.call('deleteFirewallRule', { id: rule.id });
    expect(errorOf(refused)).toMatch(/^530 .*belongs to Kubernetes cluster kept/);
  });

  test('two calls at once for one port: one gets it', async () => {
    const { ipaddressid } = await liveNetwork();
    const rule = { ipaddressid, protocol: 'tcp', startport: '5000' };
    const replies = await Promise.all([1, 2, 3, 4].map(() => h.call('createFirewallRule', rule, user)));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 537, 537, 537]);
  });
});

describe('port forwarding rules', () => {
  test('have strings for ports, open the firewall, and take it with them', async () => {
    const { networkid, ipaddressid, address, virtualmachineid } = await liveNetwork();
    const reply = await h.call('createPortForwardingRule', { ipaddressid, protocol: 'tcp', publicport: '8080', publicendport: '8082', privateport: '80', virtualmachineid }, user); // prettier-ignore
    const { portforwardingrule } = await done(reply);
    const target = await h.db('vm_instance').where({ uuid: virtualmachineid }).first<{ ip_address: string; name: string }>(); // prettier-ignore
    expect(portforwardingrule).toMatchObject({
      publicport: '8080', publicendport: '8082', privateport: '80', privateendport: '82', ipaddress: address, virtualmachineid, virtualmachinename: target.name,
      vmguestip: target.ip_address, networkid, state: 'Active',
    }); // prettier-ignore
    expect(held.get(networkid)?.forwards).toEqual([
      { publicAddress: address, protocol: 'tcp', publicPort: 8080, publicEndPort: 8082, address: target.ip_address, port: 80 },
    ]); // prettier-ignore
    expect(held.get(networkid)?.openings).toMatchObject([{ from: 8080, to: 8082, cidr: '0.0.0.0/0' }]);
    expect(await done(await h.call('deletePortForwardingRule', { id: portforwardingrule.id }, user))).toEqual({ success: true }); // prettier-ignore
    expect(held.get(networkid)).toMatchObject({ forwards: [], openings: [] });
  });

  test('leave no row when the gateway fails, and stay when it fails to delete', async () => {
    const { networkid, ipaddressid, virtualmachineid } = await liveNetwork();
    const rule = { ipaddressid, protocol: 'udp', publicport: '53', privateport: '53', virtualmachineid };
    gatewayFails = true;
    const failed = await h.call('createPortForwardingRule', rule, user);
    await runJobs();
    expect(await jobOf(failed)).toMatchObject({ jobstatus: 2, jobresultcode: 530, jobresult: { errorcode: 530 } });
    expect((await h.call('listPortForwardingRules', { networkid }, user)).content).toEqual({});
    expect((await h.call('listFirewallRules', { networkid }, user)).content).toEqual({});
    gatewayFails = false;
    const { portforwardingrule } = await done(await h.call('createPortForwardingRule', rule, user));
    gatewayFails = true;
    await h.call('deletePortForwardingRule', { id: portforwardingrule.id }, user);
    const shown = () => h.call('listPortForwardingRules', { networkid }, user);
    expect((await shown()).content.portforwardingrule[0].state).toBe('Deleting');
    await runJobs();
    expect((await shown()).content.portforwardingrule[0].state).toBe('Active');
    const events = (await h.call('listEvents', { type: 'NET.RULEDELETE', level: 'ERROR' }, user)).content.event;
    expect(events[0].description).toContain('the gateway says no');
  });

  test('are refused for ranges, machines and addresses that do not fit', async () => {
    const { ipaddressid, virtualmachineid } = await liveNetwork();
    const elsewhere = await liveNetwork();
    const strangers = await liveNetwork(h.users.other);
    const rule = { ipaddressid, protocol: 'tcp', publicport: '80', privateport: '80', virtualmachineid };
    const tell = async (more: Record<string, string>) => errorOf(await h.call('createPortForwardingRule', { ...rule, ...more }, user)); // prettier-ignore
    expect(await tell({ publicendport: '90', privateendport: '85' })).toMatch(/^431 .*equal sizes/);
    expect(await tell({ virtualmachineid: elsewhere.virtualmachineid })).toMatch(/^431 .*is not in network/);
    expect(await tell({ networkid: elsewhere.networkid })).toMatch(/^431 .*serves network/);
    expect(await tell({ virtualmachineid: strangers.virtualmachineid })).toMatch(/^531 /);
    expect(await tell({ ipaddressid: strangers.ipaddressid })).toMatch(/^531 /);
    expect(await tell({ vmguestip: '10.0.0.99' })).toMatch(/^431 .*has the address/);
    expect(await tell({ protocol: 'icmp' })).toMatch(/^431 .*expected tcp, udp/);
    await done(await h.call('createPortForwardingRule', rule, user));
    expect(await tell({})).toMatch(/^537 /);
    const lb = { publicipid: ipaddressid, name: 'lb', algorithm: 'roundrobin', publicport: '80', privateport: '80' };
    expect((await h.call('createLoadBalancerRule', lb, user)).status).toBe(537);
  });

  test('of another account are invisible and cannot be deleted', async () => {
    const { networkid, ipaddressid, virtualmachineid } = await liveNetwork();
    const rule = { ipaddressid, protocol: 'tcp', publicport: '90', privateport: '90', virtualmachineid };
    const { portforwardingrule } = await done(await h.call('createPortForwardingRule', rule, user));
    const other = h.users.other;
    expect((await h.call('listPortForwardingRules', { networkid, listall: 'true' }, other)).content).toEqual({});
    expect(errorOf(await h.call('deletePortForwardingRule', { id: portforwardingrule.id }, other))).toMatch(/^531 /);
    const admin = await h.call('listPortForwardingRules', { listall: 'true', page: '1', pagesize: '1' }, h.users.D);
    expect(admin.content.portforwardingrule).toHaveLength(1);
    expect(admin.content.count).toBeGreaterThan(1);
  });
});

describe('load balancer rules', () => {
  test('lead to the machines that are assigned, and no longer to those that are taken out', async () => {
    const { networkid, ipaddressid, address, virtualmachineid } = await liveNetwork();
    const [net] = (await h.call('listNetworks', { id: networkid }, user)).content.network;
    const second = await addMachine(networkid, net.gateway.replace(/\.1$/, '.21'));
    const rule = {
      publicipid: ipaddressid,
      name: 'web',
      algorithm: 'LeastConn',
      publicport: '80',
      privateport: '8080',
    };
    const { loadbalancer } = await done(await h.call('createLoadBalancerRule', rule, user));
    expect(loadbalancer).toMatchObject({
      name: 'web', algorithm: 'leastconn', publicport: '80', privateport: '8080', publicip: address, publicipid: ipaddressid, networkid, state: 'Active', account: 'user',
    }); // prettier-ignore
    const { id } = loadbalancer;
    const members = () => held.get(networkid)?.balancers[0]?.members.map((member) => member.address);
    expect(members()).toEqual([]);
    const virtualmachineids = `${virtualmachineid},${second}`;
    expect(await done(await h.call('assignToLoadBalancerRule', { id, virtualmachineids }, user))).toEqual({ success: true }); // prettier-ignore
    expect(members()).toHaveLength(2);
    const listed = await h.call('listLoadBalancerRuleInstances', { id }, user);
    expect(listed.content).toMatchObject({
      count: 2,
      loadbalancerruleinstance: [{ id: virtualmachineid }, { id: second }],
    });
    const withIps = await h.call('listLoadBalancerRuleInstances', { id, lbvmips: 'true' }, user);
    expect(withIps.content.lbrulevmidip[1]).toMatchObject({ lbvmipaddresses: [net.gateway.replace(/\.1$/, '.21')] });
    await done(await h.call('removeFromLoadBalancerRule', { id, virtualmachineids: virtualmachineid }, user));
    expect(members()).toEqual([net.gateway.replace(/\.1$/, '.21')]);
    const rest = await h.call('listLoadBalancerRuleInstances', { id, applied: 'false' }, user);
    expect(rest.content.loadbalancerruleinstance.map((vm: { id: string }) => vm.id)).toEqual([virtualmachineid]);
    const again = await h.call('removeFromLoadBalancerRule', { id, virtualmachineids: virtualmachineid }, user);
    expect(errorOf(again)).toMatch(/^431 .*is not assigned/);
    const changed = await done(await h.call('updateLoadBalancerRule', { id, algorithm: 'source' }, user));
    expect(changed.loadbalancer.algorithm).toBe('source');
    expect(held.get(networkid)?.balancers[0]?.algorithm).toBe('source');
    expect(await done(await h.call('deleteLoadBalancerRule', { id }, user))).toEqual({ success: true });
    expect(held.get(networkid)).toMatchObject({ balancers: [], openings: [] });
    expect(await h.db('load_balancer_vm_map').where({ rule_id: id })).toEqual([]);
  });

  test('members, name, description and algorithm go back when the gateway fails', async () => {
    const { ipaddressid, virtualmachineid } = await liveNetwork();
    const rule = { publicipid: ipaddressid, name: 'web', algorithm: 'source', publicport: '80', privateport: '80' };
    const { loadbalancer } = await done(await h.call('createLoadBalancerRule', rule, user));
    gatewayFails = true;
    const params = { id: loadbalancer.id, 'vmidipmap[0].vmid': virtualmachineid };
    await h.call('assignToLoadBalancerRule', params, user);
    await runJobs();
    expect((await h.call('listLoadBalancerRuleInstances', { id: loadbalancer.id }, user)).content).toEqual({});
    await h.call('updateLoadBalancerRule', { id: loadbalancer.id, name: 'x', description: 'x', algorithm: 'leastconn' }, user); // prettier-ignore
    await runJobs();
    const [kept] = (await h.call('listLoadBalancerRules', { id: loadbalancer.id }, user)).content.loadbalancerrule;
    expect(kept).toMatchObject({ name: 'web', algorithm: 'source', description: 'web' });
  });

  test.each([
    [{ algorithm: 'random' }, /expected source, roundrobin or leastconn, found "random"/],
    [{ protocol: 'udp' }, /expected tcp, found "udp"/],
    [{ publicipid: '' }, /publicipid is required/],
    [{ privateport: '0' }, /privateport/],
  ])('are refused with %j', async (more, text) => {
    const { ipaddressid } = await liveNetwork();
    const rule = { publicipid: ipaddressid, name: 'web', algorithm: 'source', publicport: '80', privateport: '80' };
    const reply = await h.call('createLoadBalancerRule', { ...rule, ...(more as Record<string, string>) }, user);
    expect(reply.status).toBe(431);
    expect(reply.content.errortext).toMatch(text);
  });
});

test('egress rules are exceptions of an isolated network', async () => {
  const { networkid } = await liveNetwork();
  const rule = { networkid, protocol: 'tcp', startport: '25', destcidrlist: '0.0.0.0/0' };
  const { firewallrule } = await done(await h.call('createEgressFirewallRule', rule, user));
  expect(firewallrule).toMatchObject({ protocol: 'tcp', startport: 25, endport: 25, traffictype: 'Egress', networkid });
  expect(held.get(networkid)?.egress).toMatchObject({ policy: 'allow', except: [{ from: 25, to: 25 }] });
  expect((await h.call('createEgressFirewallRule', rule, user)).status).toBe(537);
  expect((await h.call('listEgressFirewallRules', { networkid }, user)).content.count).toBe(1);
  expect((await h.call('listEgressFirewallRules', { networkid, listall: 'true' }, h.users.other)).content).toEqual({});
  await done(await h.call('deleteEgressFirewallRule', { id: firewallrule.id }, user));
  expect(held.get(networkid)?.egress.except).toEqual([]);
});

describe('VPCs', () => {
  const newVpc = async () => {
    const params = { name: `vpc-${++count}`, cidr: '10.1.0.0/16', vpcofferingid: offerings.vpc, zoneid };
    return (await done(await h.call('createVPC', params, user))).vpc.id as string;
  };
  const tier = (vpcid: string, third: number) =>
    newNetwork({ vpcid, networkofferingid: offerings.tier, gateway: `10.1.${third}.1`, netmask: '255.255.255.0' });

  test('have tiers, ACLs, and addresses for one tier each', async () => {
    const vpcid = await newVpc();
    const networkid = await tier(vpcid, 1);
    const [shown] = (await h.call('listVPCs', { id: vpcid }, user)).content.vpc;
    expect(shown).toMatchObject({ state: 'Enabled', cidr: '10.1.0.0/16', network: [{ id: networkid, cidr: '10.1.1.0/24' }] }); // prettier-ignore
    expect((await h.call('listNetworks', { id: networkid }, user)).content.network[0]).toMatchObject({ vpcid, aclname: 'default_deny' }); // prettier-ignore
    const virtualmachineid = await addMachine(networkid, '10.1.1.20');
    await ensureNetworkImplemented(deps(), networkid);
    expect(held.get(vpcid)).toMatchObject({ publicAddresses: [expect.stringMatching(/^127\./)], tiers: [{ networkId: networkid }] }); // prettier-ignore

    const { networkacllist } = await done(await h.call('createNetworkACLList', { name: 'web', vpcid }, user));
    const aclid = networkacllist.id as string;
    const item = { aclid, protocol: 'tcp', startport: '443', endport: '443', number: '10' };
    const { networkacl } = await done(await h.call('createNetworkACL', item, user));
    expect(networkacl).toMatchObject({ aclid, number: 10, startport: '443', endport: '443', cidrlist: '0.0.0.0/0', traffictype: 'Ingress', action: 'Allow', state: 'Active' }); // prettier-ignore
    expect(errorOf(await h.call('createNetworkACL', item, user))).toMatch(/^431 .*number 10 already/);
    expect(await done(await h.call('replaceNetworkACLList', { aclid, networkid }, user))).toEqual({ success: true });
    expect(held.get(vpcid)?.tiers[0]?.acl).toMatchObject([{ direction: 'in', action: 'allow', from: 443, to: 443 }]);
    const used = await jobOf(await h.call('deleteNetworkACLList', { id: aclid }, user));
    expect(used.jobresult.errortext).toContain('give them another with replaceNetworkACLList');

    const { ipaddress } = await done(await h.call('associateIpAddress', { vpcid }, user));
    expect(ipaddress).toMatchObject({ vpcid, issourcenat: false });
    const forward = {
      ipaddressid: ipaddress.id,
      protocol: 'tcp',
      publicport: '443',
      privateport: '443',
      virtualmachineid,
    };
    expect(errorOf(await h.call('createPortForwardingRule', forward, user))).toMatch(/^431 .*networkid has to name the tier/); // prettier-ignore
    await done(await h.call('createPortForwardingRule', { ...forward, networkid }, user));
    expect(held.get(vpcid)).toMatchObject({ openings: [], forwards: [{ publicPort: 443, address: '10.1.1.20' }] });
    const other = await tier(vpcid, 2);
    expect(errorOf(await h.call('createPortForwardingRule', { ...forward, publicport: '444', networkid: other }, user))).toMatch(/^431 .*serves network/); // prettier-ignore
    expect(errorOf(await h.call('createFirewallRule', { ipaddressid: ipaddress.id, protocol: 'tcp' }, user))).toMatch(/^431 .*use network ACLs/); // prettier-ignore
    const kept = await jobOf(await h.call('deleteVPC', { id: vpcid }, user));
    expect(kept.jobresult.errortext).toContain('it has tiers');

    await h
      .db('vm_instance')
      .where({ uuid: virtualmachineid })
      .update({ removed: now(h.db) });
    await done(await h.call('deleteNetwork', { id: networkid }, user));
    await done(await h.call('deleteNetwork', { id: other }, user));
    await done(await h.call('deleteVPC', { id: vpcid }, user));
    expect((await h.call('listVPCs', { id: vpcid }, user)).content).toEqual({});
    expect(await h.db('user_ip_address').where({ vpc_id: vpcid })).toEqual([]);
  });

  test('refuse tiers outside their range or over another, and built-in ACLs as their own', async () => {
    const vpcid = await newVpc();
    const networkid = await tier(vpcid, 1);
    const make = async (gateway: string, more = {}) =>
      errorOf(
        await h.call('createNetwork', { name: 't', networkofferingid: offerings.tier, zoneid, vpcid, gateway, netmask: '255.255.255.0', ...more }, user), // prettier-ignore
      );
    expect(await make('10.2.0.1')).toMatch(/^431 .*not within the range 10\.1\.0\.0\/16/);
    expect(await make('10.1.1.129')).toMatch(/^431 .*overlaps 10\.1\.1\.0\/24 of tier/);
    expect(errorOf(await h.call('createNetworkACL', { networkid, protocol: 'all' }, user))).toMatch(/^431 .*built in/);
    const another = await newVpc();
    const { networkacllist } = await done(await h.call('createNetworkACLList', { name: 'x', vpcid: another }, user));
    expect(await make('10.1.3.1', { aclid: networkacllist.id })).toMatch(/^431 .*does not belong to the VPC/);
    expect(errorOf(await h.call('createVPC', { name: 'v', cidr: '10.1.2.3/16', vpcofferingid: offerings.vpc, zoneid }, user))).toMatch(/^431 .*whole network/); // prettier-ignore
    expect((await h.call('listNetworkACLs', { aclid: networkacllist.id, listall: 'true' }, h.users.other)).content).toEqual({}); // prettier-ignore
    expect((await h.call('listVPCs', { listall: 'true' }, h.users.other)).content).toEqual({});
  });
});

describe('a change without a run', () => {
  const log = { info: () => undefined, warn: () => undefined } as never;

  test('is started by the scan, and ended when its run is gone', async () => {
    const { ipaddressid, networkid } = await liveNetwork();
    const reply = await h.call('createFirewallRule', { ipaddressid, protocol: 'tcp', startport: '77' }, user);
    const { input } = started.splice(0)[0]!;
    expect(input).toEqual({ jobId: reply.content.jobid, networkId: networkid, vpcId: null });
    const madeAt = (created: string) => h.db('network_change').where({ job_id: input.jobId }).update({ created });
    await madeAt('2999-01-01 00:00:00.000');
    await resumeNetworkJobs({ db: h.db, temporal, log });
    // Changes that other tests left open may be old enough by now.
    expect(started.map((each) => each.input)).not.toContainEqual(input);
    await madeAt('2026-01-01 00:00:00.000');
    await resumeNetworkJobs({ db: h.db, temporal, log });
    expect(started.map((each) => each.input)).toContainEqual(input);
    const { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } = await import('@temporalio/client');
    const lost = {
      workflow: {
        start: () => Promise.reject(new WorkflowExecutionAlreadyStartedError('there', input.jobId, 'applyNetwork')),
        getHandle: () => ({
          describe: () => Promise.reject(new WorkflowNotFoundError('gone', input.jobId, undefined)),
        }),
      },
    } as unknown as Client;
    await resumeNetworkJobs({ db: h.db, temporal: lost, log });
    expect((await jobOf(reply)).jobresult.errortext).toContain('terminated or lost');
    expect((await h.call('listFirewallRules', { networkid }, user)).content).toEqual({});
  });
});
