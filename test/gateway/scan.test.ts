import { pino } from 'pino';
import type { Deps } from '../../activities/deps.js';
import { sshGateway } from '../../activities/gateway/ssh.js';
import { zoneScanActivities } from '../../activities/zone-scan.js';
import { GatewayHost } from '../../lab/network/gateway-host.js';
import { addCluster, type MadeCluster } from '../api/fixtures.js';
import { Harness } from '../api/harness.js';

const NUMBER = 150;
const PUBLIC = '203.0.113.50';

/** Rows as the service keeps them, and a gateway host that is reached over SSH and carries packets. */
describe('the scan of a zone', () => {
  let h: Harness;
  let host: GatewayHost;
  let zoneId: string;
  let cluster: MadeCluster;
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
    const activities = zoneScanActivities({
      db: h.db,
      sealer: h.sealer,
      log: pino({ level: 'silent' }),
      openGateway: () => sshGateway(host.program()),
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
    expect(await answers()).toBeUndefined();
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
});
