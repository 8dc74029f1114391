/* eslint-disable @typescript-eslint/no-unsafe-return -- answers are whatever the server said */
import type { Client } from '@temporalio/client';
import { endpointOf } from '../../activities/endpoint.js';
import { sshGateway } from '../../activities/gateway/ssh.js';
import { hostNetwork } from '../../activities/hypervisor/host-network.js';
import { seedFiles } from '../../activities/hypervisor/seed.js';
import { applyNetworkRows, ensureNetworkImplemented } from '../../activities/networks.js';
import { settleNetworkChange } from '../../db/network-changes.js';
import { readNodeContext } from '../../db/nodes.js';
import type { ClusterRow, NetworkRow } from '../../db/rows.js';
import { GatewayHost } from '../../lab/network/gateway-host.js';
import type { Underlay } from '../../lab/network/underlay.js';
import type { NetworkChangeInput } from '../../workflows/model/network-change.js';
import { addMachine as addMachineRow } from '../api/fixtures.js';
import { Harness, type Reply, type TestUser } from '../api/harness.js';
import { reserveAll } from '../db/world.js';
import { PEERS, until } from './networks.js';

/** From the commands of a user, by way of the rows and SSH, to packets. Each command waits for the gateway. */
const LIMIT = 240_000;
const started: NetworkChangeInput[] = [];
const temporal = {
  workflow: {
    start: (type: string, { args }: { args: [NetworkChangeInput] }) => {
      if (type === 'applyNetwork') started.push(args[0]);
      return Promise.resolve();
    },
  },
} as unknown as Client;

let h: Harness;
let host: GatewayHost;
let zone: Underlay;
let user: TestUser;
let zoneid: string;

beforeAll(async () => {
  host = await GatewayHost.start();
  zone = host.zone;
  h = await Harness.start({ temporal: () => temporal });
  user = h.users.U;
  zoneid = (await h.call('listZones')).content.zone[0].id;
  await h.db('user_ip_address').delete();
  const [gw, a, b] = PEERS;
  await h.db('data_center').where({ uuid: zoneid }).update({ network_mode: 'vxlan', public_bridge: 'public', gateway_url: `ssh://root@${gw}` }); // prettier-ignore
  const hosts = await h.db('host').orderBy('id').pluck<string[]>('uuid');
  for (const [i, address] of [a, b].entries())
    await h
      .db('host')
      .where({ uuid: hosts[i] })
      .update({ fabric_url: `ssh://root@${address}` });
  const range = { startip: '203.0.113.60', endip: '203.0.113.79', gateway: '203.0.113.1', netmask: '255.255.255.0' };
  expect((await h.call('createVlanIpRange', { zoneid, ...range })).status).toBe(200);
});
afterAll(async () => {
  await h?.stop();
  host?.stop();
});

/** What a changing command ends with, its change on the gateway. */
async function done(command: string, params: Record<string, string>, as = user) {
  const reply: Reply = await h.call(command, params, as);
  if (reply.status !== 200) throw new Error(`${command}: ${reply.content.errortext}`);
  const gateway = sshGateway(host.program());
  for (const input of started.splice(0)) {
    const outcome = await applyNetworkRows({ db: h.db, openGateway: () => gateway }, input).then(
      () => ({ ok: true }),
      (error: Error) => ({ ok: false, reason: error.message }),
    );
    await settleNetworkChange(h.db, input.jobId, outcome);
  }
  if (reply.content.jobid === undefined) return reply.content;
  const job = (await h.call('queryAsyncJobResult', { jobid: reply.content.jobid }, as)).content;
  expect(job).toMatchObject({ jobstatus: 1 });
  return job.jobresult;
}

const offering = async (name: string): Promise<string> => (await h.call('listNetworkOfferings', { name })).content.networkoffering[0].id; // prettier-ignore
const rowOf = async (uuid: string) => (await h.db<NetworkRow>('networks').where({ uuid }).first())!;

/** A machine of a network, with its row, on a host of the zone. */
async function addMachine(name: string, at: 'a' | 'b', networkid: string, address: string, ports: number[]) {
  const { network_number } = await rowOf(networkid);
  await zone.fabric(at, 'ensure', String(network_number), ...PEERS);
  await zone.addMachine(name, at, `cks${network_number}`, address, { name, ports });
  return addMachineRow(h.db, user, networkid, address);
}
const implement = (networkid: string) => ensureNetworkImplemented({ db: h.db, openGateway: () => sshGateway(host.program()) }, networkid); // prettier-ignore
const isSilent = async (from: string, url: string) => (await zone.silent(from, url)).length === 1;

test(
  'an isolated network: addresses, firewall, forwards, balancer, egress',
  async () => {
    const { network } = await done('createNetwork', { name: 'plain', zoneid, networkofferingid: await offering('DefaultNetworkOfferingforKubernetesService'), gateway: '10.1.1.1', netmask: '255.255.255.0' }); // prettier-ignore
    const [one, two] = [
      await addMachine('one', 'a', network.id, '10.1.1.20', [22, 80, 81]),
      await addMachine('two', 'b', network.id, '10.1.1.21', [80]),
    ];
    await implement(network.id);
    const { ipaddress } = await done('associateIpAddress', { networkid: network.id });
    const at = (port: number) => `http://${ipaddress.ipaddress}:${port}/`;

    // Ports are forwarded as a range, and let in only from where the rule says.
    const forward = { ipaddressid: ipaddress.id, protocol: 'tcp', publicport: '8080', publicendport: '8081', privateport: '80', privateendport: '81' }; // prettier-ignore
    const { portforwardingrule } = await done('createPortForwardingRule', { ...forward, virtualmachineid: one, openfirewall: 'false' }); // prettier-ignore
    expect(await isSilent('out', at(8080))).toBe(true);
    const stranger = { ipaddressid: ipaddress.id, protocol: 'tcp', startport: '8080', endport: '8081', cidrlist: '198.51.100.0/24' }; // prettier-ignore
    const { firewallrule } = await done('createFirewallRule', stranger);
    expect(await isSilent('out', at(8080))).toBe(true);
    await done('createFirewallRule', { ...stranger, cidrlist: '203.0.113.0/24' });
    expect([await zone.ask('out', at(8080)), await zone.ask('out', at(8081))]).toEqual(['one', 'one']);
    await done('deleteFirewallRule', { id: firewallrule.id });
    expect(await zone.ask('out', at(8080))).toBe('one');
    await done('deletePortForwardingRule', { id: portforwardingrule.id });
    expect(await isSilent('out', at(8080))).toBe(true);

    // A balancer, from the firewall that it opens to a member that leaves.
    const { loadbalancer } = await done('createLoadBalancerRule', { publicipid: ipaddress.id, name: 'web', algorithm: 'roundrobin', publicport: '80', privateport: '80' }); // prettier-ignore
    await done('assignToLoadBalancerRule', { id: loadbalancer.id, virtualmachineids: `${one},${two}` });
    const answers = async () => new Set([await zone.ask('out', at(80)), await zone.ask('out', at(80)), await zone.ask('out', at(80))]); // prettier-ignore
    await until('both answer', 5, async () => (await answers()).size === 2);
    await done('removeFromLoadBalancerRule', { id: loadbalancer.id, virtualmachineids: one });
    await until('one answers no more', 5, async () => [...(await answers())].join() === 'two');
    await done('deleteLoadBalancerRule', { id: loadbalancer.id });
    expect(await isSilent('out', at(80))).toBe(true);

    await zone.answer('out', { name: 'outside', ports: [80] });
    expect(await zone.ask('one', 'http://203.0.113.1/')).toBe('outside');
    const egress = await done('createEgressFirewallRule', { networkid: network.id, protocol: 'tcp', startport: '80', cidrlist: '10.1.1.20/32' }); // prettier-ignore
    expect(await isSilent('one', 'http://203.0.113.1/')).toBe(true);
    expect(await zone.ask('two', 'http://203.0.113.1/')).toBe('outside');
    await done('deleteEgressFirewallRule', { id: egress.firewallrule.id });
    expect(await zone.ask('one', 'http://203.0.113.1/')).toBe('outside');

    // An address that is let go takes its rules with it; openfirewall is true where nothing is said.
    await done('createPortForwardingRule', { ...forward, virtualmachineid: one });
    expect(await zone.ask('out', at(8081))).toBe('one');
    await done('disassociateIpAddress', { id: ipaddress.id });
    expect(await isSilent('out', at(8081))).toBe(true);
    zone.silence('out');
  },
  LIMIT,
);

test(
  'tiers of a VPC: an ACL that allows, one that denies, and a public address',
  async () => {
    const vpcofferingid = (await h.call('listVPCOfferings')).content.vpcoffering[0].id as string;
    const { vpc } = await done('createVPC', { name: 'shop', cidr: '10.2.0.0/16', vpcofferingid, zoneid });
    const tier = async (name: string, third: number) =>
    (await done('createNetwork', { name, zoneid, networkofferingid: await offering('DefaultIsolatedNetworkOfferingForVpcNetworks'), vpcid: vpc.id, gateway: `10.2.${third}.1`, netmask: '255.255.255.0' })).network.id as string; // prettier-ignore
    const [web, data] = [await tier('web', 1), await tier('data', 2)];
    const front = await addMachine('front', 'a', web, '10.2.1.20', [80, 443]);
    await addMachine('back', 'b', data, '10.2.2.20', [80, 443]);
    for (const each of [web, data]) await implement(each);
    const { ipaddress } = await done('associateIpAddress', { vpcid: vpc.id });
    const at = (port: number) => `http://${ipaddress.ipaddress}:${port}/`;
    for (const port of ['80', '443'])
    await done('createPortForwardingRule', { ipaddressid: ipaddress.id, networkid: web, protocol: 'tcp', publicport: port, privateport: port, virtualmachineid: front }); // prettier-ignore
    // A new tier denies all that comes in.
    expect(await isSilent('out', at(80))).toBe(true);
    expect(await isSilent('front', 'http://10.2.2.20/')).toBe(true);

    const acl = async (name: string, networkid: string) => {
      const { networkacllist } = await done('createNetworkACLList', { name, vpcid: vpc.id });
      await done('replaceNetworkACLList', { aclid: networkacllist.id, networkid });
      return networkacllist.id as string;
    };
    const [webAcl, dataAcl] = [await acl('web', web), await acl('data', data)];
    await done('createNetworkACL', { aclid: webAcl, number: '10', protocol: 'tcp', startport: '80', endport: '443' });
    expect([await zone.ask('out', at(80)), await zone.ask('out', at(443))]).toEqual(['front', 'front']);
    const deny = { aclid: webAcl, number: '5', protocol: 'tcp', startport: '443', action: 'Deny', cidrlist: '203.0.113.1/32' }; // prettier-ignore
    const { networkacl } = await done('createNetworkACL', deny);
    expect(await isSilent('out', at(443))).toBe(true);
    expect(await zone.ask('out', at(80))).toBe('front');
    await done('deleteNetworkACL', { id: networkacl.id });
    expect(await zone.ask('out', at(443))).toBe('front');

    // Between tiers the ACL of the one that is entered decides, and of the one that is left.
    await done('createNetworkACL', { aclid: dataAcl, protocol: 'tcp', startport: '80', cidrlist: '10.2.1.0/24' });
    expect(await zone.ask('front', 'http://10.2.2.20/')).toBe('back');
    expect(await isSilent('front', 'http://10.2.2.20:443/')).toBe(true);
    const outwards = { aclid: webAcl, protocol: 'tcp', startport: '443', traffictype: 'Egress' };
    await done('createNetworkACL', outwards);
    expect(await isSilent('front', 'http://10.2.2.20/')).toBe(true);
  },
  LIMIT,
);

test(
  'a shared network: no gateway; nodes at their own addresses, the API server at the balancer of the user',
  async () => {
    const range = { gateway: '172.20.0.1', netmask: '255.255.255.0', startip: '172.20.0.50', endip: '172.20.0.99' };
    const made = await h.call('createNetwork', { name: 'office', zoneid, networkofferingid: await offering('DefaultSharedNetworkOffering'), vlan: '120', ...range }); // prettier-ignore
    const { id: networkid } = made.content.network;
    const balancer = '172.20.0.40';
    const version = (await h.call('listKubernetesSupportedVersions')).content.kubernetessupportedversion[0];
    const small = (await h.call('listServiceOfferings', { name: 'small' })).content.serviceoffering[0];
    const wish = { name: 'shared', zoneid, serviceofferingid: small.id, kubernetesversionid: version.id, networkid, controlnodes: '2', size: '1' }; // prettier-ignore
    const reply = await h.call('createKubernetesCluster', { ...wish, externalloadbalanceripaddress: balancer }, user);
    expect(reply.content).toMatchObject({ id: expect.any(String) as string });
    const cluster = (await h.db<ClusterRow>('kubernetes_cluster').where({ uuid: reply.content.id }).first())!;
    await reserveAll(h.db, cluster.uuid);
    expect(await endpointOf(h.db, cluster)).toBe(`${balancer}:6443`);

    // What the operator has: a bridge on each host, and a router that everybody else is behind.
    const { bridge } = hostNetwork(await rowOf(networkid));
    await zone.addOperatorsBridge(bridge!);
    await zone.attach('out', 'office', 'gw', bridge!, `${range.gateway}/24`);
    const nodes = [
      { role: 'control', index: 1 },
      { role: 'control', index: 2 },
      { role: 'worker', index: 1 },
    ] as const;
    const addresses: string[] = [];
    for (const [i, ref] of nodes.entries()) {
      const context = (await readNodeContext(h.db, cluster.uuid, ref))!;
      const seed = seedFiles({ context, hostKey: { private: '', public: '' }, authorizedKeys: [] });
      const { addresses: [own], gateway4 } = (JSON.parse(seed['network-config']!) as { ethernets: { node: { addresses: string[]; gateway4: string } } }).ethernets.node; // prettier-ignore
      expect(gateway4).toBe(range.gateway);
      const address = own!.replace('/24', '');
      addresses.push(address);
      const name = `${ref.role}-${ref.index}`;
      await zone.addMachine(name, i % 2 === 0 ? 'a' : 'b', bridge!, address, { name, ports: [22, 6443] });
    }
    const spread = { port: 6443, to: addresses.slice(0, 2) };
    await zone.addMachine('balancer', 'b', bridge!, balancer, { name: 'balancer', spread });

    for (const from of ['out', 'control-1', 'worker-1']) {
      const answers = [await zone.ask(from, `http://${balancer}:6443/`), await zone.ask(from, `http://${balancer}:6443/`)]; // prettier-ignore
      expect(answers.sort()).toEqual(['control-1', 'control-2']);
      for (const [i, { role, index }] of nodes.entries())
        expect(await zone.ask(from, `http://${addresses[i]}:22/`)).toBe(`${role}-${index}`);
    }
    // Nothing of it is on the gateway.
    const spaces = (await zone.gateway(['list'])).stdout;
    expect(spaces).not.toContain(networkid);
  },
  LIMIT,
);
