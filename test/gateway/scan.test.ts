import { pino } from 'pino';
import type { Deps } from '../../activities/deps.js';
import { sshGateway } from '../../activities/gateway/ssh.js';
import { ensureNetworkImplemented } from '../../activities/networks.js';
import { zoneScanActivities } from '../../activities/zone-scan.js';
import { GatewayHost } from '../../lab/network/gateway-host.js';
import { addCluster, addMachine, type MadeCluster } from '../api/fixtures.js';
import { Harness } from '../api/harness.js';
import { shutDown, until } from './networks.js';

const NUMBER = 150;
const PUBLIC = '203.0.113.50';

/** Rows as the service keeps them, and a gateway host that is reached over SSH and carries packets. */
describe('the scan of a zone', () => {
  let h: Harness;
  let host: GatewayHost;
  let zoneId: string;
  let cluster: MadeCluster;
  let openGateway: () => ReturnType<typeof sshGateway>;
  let scan: () => Promise<number>;
  const space = () => `cks-${cluster.networkId}`;
  const answers = (from = 'out') => host.zone.ask(from, `http://${PUBLIC}:2222/`);

  beforeAll(async () => {
    [h, host] = await Promise.all([Harness.start(), GatewayHost.start()]);
    cluster = await addCluster(h.db, h.users.U, { name: 'demo' });
    zoneId = (await h.db('data_center').first<{ uuid: string }>('uuid')).uuid;
    await h.db('data_center').update({ network_mode: 'vxlan', public_bridge: 'public' });
    await h.call('createVlanIpRange', { zoneid: zoneId, startip: PUBLIC, endip: PUBLIC, gateway: '203.0.113.1', netmask: '255.255.255.0' }); // prettier-ignore
    const { vlan_id } = await h.db('user_ip_address').where({ public_ip_address: PUBLIC }).first<{ vlan_id: string }>();
    await h.db('user_ip_address').where({ public_ip_address: PUBLIC }).delete();
    await h.db('user_ip_address').where({ uuid: cluster.addressId }).update({ public_ip_address: PUBLIC, vlan_id });
    await h
      .db('networks')
      .where({ uuid: cluster.networkId })
      .update({ network_number: NUMBER, active_number: String(NUMBER) });
    await host.zone.fabric('gw', 'ensure', String(NUMBER));
    await host.zone.addMachine('control', 'gw', `cks${NUMBER}`, '10.1.0.10', { name: 'control', ports: [22, 6443] });
    await h.db('user_ip_address').where({ state: 'Free' }).delete();
    await h.call('createVlanIpRange', { zoneid: zoneId, startip: '203.0.113.60', endip: '203.0.113.69', gateway: '203.0.113.1', netmask: '255.255.255.0' }); // prettier-ignore
    openGateway = () => sshGateway(host.program());
    const activities = zoneScanActivities({
      db: h.db,
      sealer: h.sealer,
      log: pino({ level: 'silent' }),
      openGateway,
    } as unknown as Deps);
    scan = () => activities.repairGateways(zoneId);
  });
  afterAll(async () => {
    host?.stop();
    await h?.stop();
  });
  const expectMended = async () => {
    expect(await scan()).toBe(1);
    expect(await answers()).toBe('control');
    expect(await scan()).toBe(0);
  };

  it('makes a network that its gateway host does not have', expectMended);

  it('makes it again when its namespace was lost with all that ran in it', async () => {
    for (const pid of (await host.zone.in('gw', ['ip', 'netns', 'pids', space()])).trim().split('\n'))
      process.kill(Number(pid), 'SIGKILL');
    await host.zone.in('gw', ['ip', 'netns', 'del', space()]);
    // The kernel takes a namespace down a while after its name is gone.
    await until('nothing answers', 30, async () => (await answers()) === undefined);
    await expectMended();
  });

  it('puts back rules that somebody took away, and takes away what somebody added', async () => {
    const nft = (...words: string[]) => host.zone.in('gw', ['nsenter', `--net=/run/netns/${space()}`, 'nft', ...words]);
    await nft('flush', 'chain', 'ip', 'cks', 'prerouting');
    expect(await answers()).toBeUndefined();
    await expectMended();
    await nft('add', 'table', 'ip', 'theirs');
    await nft('add', 'rule', 'ip', 'cks', 'prerouting', 'counter', 'comment', '"theirs"');
    expect(await scan()).toBe(1);
    expect(await nft('list', 'table', 'ip', 'cks')).not.toContain('theirs');
    expect(await scan()).toBe(0);
  });

  it('has the gateway follow rows that were changed and never applied', async () => {
    await h.db('firewall_rules').where({ purpose: 'Firewall', start_port: 2222 }).update({ state: 'Revoke' });
    expect(await scan()).toBe(1);
    expect(await answers()).toBeUndefined();
    expect(await scan()).toBe(0);
    await h.db('firewall_rules').where({ purpose: 'Firewall', start_port: 2222 }).update({ state: 'Active' });
    await expectMended();
  });

  /** A user's network, or tier, with one machine behind a forward. No gateway has it before the first start of a machine. */
  async function addUserNetwork(name: string, offering: string, third: number, vpcid?: string) {
    const done = async (command: string, params: Record<string, string>) => {
      const { status, content } = await h.call(command, params, h.users.U);
      if (status !== 200) throw new Error(`${command}: ${content.errortext}`);
      return content as unknown;
    };
    const networkofferingid = (await h.call('listNetworkOfferings', { name: offering })).content.networkoffering[0].id as string; // prettier-ignore
    const range = { gateway: `10.3.${third}.1`, netmask: '255.255.255.0' };
    const { network } = (await done('createNetwork', { name, zoneid: zoneId, networkofferingid, ...range, ...(vpcid && { vpcid }) })) as { network: { id: string } }; // prettier-ignore
    const { network_number } = await h.db('networks').where({ uuid: network.id }).first<{ network_number: number }>();
    await host.zone.fabric('gw', 'ensure', String(network_number));
    await host.zone.addMachine(name, 'gw', `cks${network_number}`, `10.3.${third}.20`, { name, ports: [80] });
    const virtualmachineid = await addMachine(h.db, h.users.U, network.id, `10.3.${third}.20`);
    const { id: ipaddressid } = (await done('associateIpAddress', vpcid ? { vpcid } : { networkid: network.id })) as { id: string }; // prettier-ignore
    await done('createPortForwardingRule', { ipaddressid, networkid: network.id, protocol: 'tcp', publicport: '8080', privateport: '80', virtualmachineid }); // prettier-ignore
    const { public_ip_address } = await h.db('user_ip_address').where({ uuid: ipaddressid }).first<{ public_ip_address: string }>(); // prettier-ignore
    return { networkId: network.id, number: network_number, url: `http://${public_ip_address}:8080/` };
  }
  const implement = (networkId: string) => ensureNetworkImplemented({ db: h.db, openGateway }, networkId);
  const inSpace = (id: string, ...words: string[]) => host.zone.in('gw', ['nsenter', `--net=/run/netns/cks-${id}`, ...words]); // prettier-ignore

  it('mends a network in which users have machines and no cluster is; it is there again after a boot too', async () => {
    const made = await addUserNetwork('plain', 'DefaultNetworkOfferingforKubernetesService', 1);
    const answer = () => host.zone.ask('out', made.url);
    await implement(made.networkId);
    expect(await answer()).toBe('plain');
    expect(await scan()).toBe(0);
    await inSpace(made.networkId, 'nft', 'flush', 'chain', 'ip', 'cks', 'prerouting');
    expect(await answer()).toBeUndefined();
    expect(await scan()).toBe(1);
    expect(await answer()).toBe('plain');
    expect(await scan()).toBe(0);

    await shutDown(host.zone, made);
    expect(await answer()).toBeUndefined();
    expect(await host.zone.gateway(['restore'])).toMatchObject({ code: 0 });
    expect(await answer()).toBe('plain');
    expect(await scan()).toBe(0);
  });

  it('mends a VPC with all its tiers, once', async () => {
    const vpcofferingid = (await h.call('listVPCOfferings')).content.vpcoffering[0].id as string;
    const { content } = await h.call('createVPC', { name: 'shop', cidr: '10.3.0.0/16', vpcofferingid, zoneid: zoneId }, h.users.U); // prettier-ignore
    const vpcid = content.id as string;
    const offering = 'DefaultIsolatedNetworkOfferingForVpcNetworks';
    const tiers = [await addUserNetwork('web', offering, 2, vpcid), await addUserNetwork('data', offering, 3, vpcid)];
    for (const { networkId } of tiers) await implement(networkId);
    const { uuid: aclid } = await h.db('network_acl').where({ name: 'default_allow' }).first<{ uuid: string }>();
    await h.db('networks').where({ vpc_id: vpcid }).update({ acl_id: aclid });
    const answers = () => Promise.all(tiers.map(({ url }) => host.zone.ask('out', url)));
    expect(await scan()).toBe(1);
    expect(await answers()).toEqual(['web', 'data']);
    await shutDown(host.zone, { networkId: vpcid });
    expect(await answers()).toEqual([undefined, undefined]);
    expect(await scan()).toBe(1);
    expect(await answers()).toEqual(['web', 'data']);
    expect(await scan()).toBe(0);
  });
});
