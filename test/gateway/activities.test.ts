import { randomUUID } from 'node:crypto';
import { gatewayDrift } from '../../activities/gateway/drift.js';
import { gatewayActivities } from '../../activities/gateway/index.js';
import { writeDetail } from '../../db/clusters.js';
import { now } from '../../db/knex.js';
import { readNodes } from '../../db/nodes.js';
import type { AclItemRow, ClusterRow, FirewallRuleRow, PublicAddressRow } from '../../db/rows.js';
import { reserveNodes } from '../../db/reserve.js';
import type { NodeRef } from '../../workflows/model/operation.js';
import { FakeGateway } from '../fakes/gateway.js';
import { onEachEngine } from '../db/engines.js';
import { makeWorld, reserveAll, type World } from '../db/world.js';

onEachEngine((engines) => {
  let world: World;
  let gateway: FakeGateway;
  let cluster: ClusterRow;
  let networkId: string;
  let ref: { operationId: string; clusterId: string; line: number; undo: boolean };
  let act: ReturnType<typeof gatewayActivities>;

  beforeEach(async () => {
    world = await makeWorld(engines);
    gateway = new FakeGateway();
    cluster = await world.addCluster('demo', { controlNodes: 2, workers: 2 });
    networkId = cluster.network_id ?? '';
    ref = { operationId: (await world.queue(cluster)).operationId, clusterId: cluster.uuid, line: 1, undo: false };
    act = gatewayActivities({ db: world.db, openGateway: () => gateway });
    await reserveAll(world.db, cluster.uuid);
  });

  const node = (role: NodeRef['role'], index: number): NodeRef => ({ role, index });
  const add = (...wanted: NodeRef[]) =>
    reserveNodes(world.db, { clusterId: cluster.uuid, userId: 'someone', rootId: 'an operation', wanted });
  const remove = async (...nodes: NodeRef[]) => {
    await act.removeNodeRules(ref, ...nodes);
    for (const { role, index } of nodes)
      await world.db('kubernetes_cluster_vm_map').where({ cluster_id: cluster.uuid, role, role_index: index }).delete();
  };
  const start = async () => {
    await act.ensureAddress(ref);
    await act.apply(ref);
  };
  const rules = (purpose: FirewallRuleRow['purpose']) =>
    world.db<FirewallRuleRow>('firewall_rules').where({ purpose, network_id: networkId }).orderBy('start_port');
  const held = () => gateway.networks.get(networkId)!;
  /** Public port of each node, by its label. */
  const ports = async () => {
    const nodes = new Map(
      (await readNodes(world.db, cluster.uuid)).map((one) => [one.vm_id, `${one.role}-${one.role_index}`]),
    );
    return Object.fromEntries<number>(
      (await rules('PortForwarding')).map(
        (rule) => [nodes.get(rule.vm_id ?? '') ?? String(rule.vm_id), rule.start_port] as const,
      ),
    );
  };
  const openings = async () => (await rules('Firewall')).map(({ start_port, end_port }) => [start_port, end_port]);

  it('a new cluster has its forwards, its firewall rules and its balancer, and a second time changes nothing', async () => {
    await start();
    expect(await ports()).toEqual({ 'control-1': 2222, 'control-2': 2223, 'worker-1': 2224, 'worker-2': 2225 });
    expect(await openings()).toEqual([[2222, 2225], [6443, 6443]]); // prettier-ignore
    const before = await world.db<FirewallRuleRow>('firewall_rules').orderBy('id');
    const nodes = await readNodes(world.db, cluster.uuid);
    expect(held()).toMatchObject({
      publicAddresses: [gateway.addresses.keys().next().value],
      openings: [{ from: 6443, to: 6443, cidr: '0.0.0.0/0' }, { from: 2222, to: 2225 }],
      egress: { policy: 'allow', except: [] },
      balancers: [
        { name: 'api-lb', publicPort: 6443, port: 6443, check: null, members: nodes.filter((one) => one.control_node === 1).map(({ ip_address }) => ({ address: ip_address, draining: false })) },
      ],
    }); // prettier-ignore
    expect(held().forwards.map(({ address, publicPort, port }) => ({ address, publicPort, port }))).toEqual(
      nodes.map(({ ip_address }, i) => ({ address: ip_address, publicPort: 2222 + i, port: 22 })),
    );
    await start();
    expect(await world.db<FirewallRuleRow>('firewall_rules').orderBy('id')).toEqual(before);
  });

  it('nodes that come get free ports, and those that are there keep theirs (report 11)', async () => {
    await start();
    const before = await rules('PortForwarding');
    await add(node('worker', 3), node('worker', 4));
    await act.apply(ref);
    expect(await ports()).toMatchObject({ 'worker-2': 2225, 'worker-3': 2226, 'worker-4': 2227 });
    expect((await rules('PortForwarding')).slice(0, 4)).toEqual(before);
    expect(await openings()).toEqual([[2222, 2227], [6443, 6443]]); // prettier-ignore
  });

  it('nodes that go take their own rules with them; the next one gets the lowest port that is free (report 10)', async () => {
    await start();
    const before = await rules('PortForwarding');
    await remove(node('worker', 1));
    expect(await ports()).toEqual({ 'control-1': 2222, 'control-2': 2223, 'worker-2': 2225 });
    expect(await openings()).toEqual([[2222, 2225], [6443, 6443]]); // prettier-ignore
    expect((await rules('PortForwarding')).at(-1)).toEqual(before.at(-1));
    await remove(node('worker', 2));
    expect(await openings()).toEqual([[2222, 2223], [6443, 6443]]); // prettier-ignore
    await add(node('worker', 3));
    await act.apply(ref);
    expect(await ports()).toEqual({ 'control-1': 2222, 'control-2': 2223, 'worker-3': 2224 });
    // What is gone already is no reason to fail.
    await act.removeNodeRules(ref, node('worker', 9));
  });

  it('of nodes that leave at the same time, none is given its forward back by another that leaves', async () => {
    await start();
    // Both have lost their rules, and neither its machine and row yet.
    await act.removeNodeRules(ref, node('worker', 2));
    await act.removeNodeRules(ref, node('worker', 1));
    expect(await ports()).toEqual({ 'control-1': 2222, 'control-2': 2223 });
    expect(held().forwards.map(({ publicPort }) => publicPort)).toEqual([2222, 2223]);
    expect(await openings()).toEqual([[2222, 2223], [6443, 6443]]); // prettier-ignore
  });

  it('a machine that got its forward again while it was let go has none in the end', async () => {
    await start();
    await act.removeNodeRules(ref, node('worker', 2));
    await act.apply(ref); // another's
    await world.db('kubernetes_cluster_vm_map').where({ cluster_id: cluster.uuid, role: 'worker', role_index: 2 }).delete(); // prettier-ignore
    await act.removeNodeRules(ref, node('worker', 2));
    expect(await ports()).toEqual({ 'control-1': 2222, 'control-2': 2223, 'worker-1': 2224 });
    expect(held().forwards.map(({ publicPort }) => publicPort)).toEqual([2222, 2223, 2224]);
  });

  it("etcd nodes and the user's machines have ports and firewall rules of their own", async () => {
    await add(node('etcd', 1), node('etcd', 2), node('worker', 3));
    await world.db('kubernetes_cluster_vm_map').where({ cluster_id: cluster.uuid, role: 'worker', role_index: 3 }).update({ external_node: 1 }); // prettier-ignore
    await start();
    expect(await ports()).toMatchObject({ 'worker-2': 2225, 'worker-3': 2226, 'etcd-1': 50000, 'etcd-2': 50001 });
    expect(await openings()).toEqual([[2222, 2225], [2226, 2226], [6443, 6443], [50000, 50000], [50001, 50001]]); // prettier-ignore
    await add(node('worker', 4));
    await act.apply(ref);
    expect(await ports()).toMatchObject({ 'worker-3': 2226, 'worker-4': 2227 });
    await remove(node('worker', 3), node('etcd', 2));
    expect(await openings()).toEqual([[2222, 2227], [6443, 6443], [50000, 50000]]); // prettier-ignore
  });

  it('ports of etcd nodes begin at cloud.kubernetes.etcd.node.start.port as it was when the operation began', async () => {
    await add(node('etcd', 1));
    const settings = JSON.stringify({ 'cloud.kubernetes.etcd.node.start.port': 51000 });
    await world.db('operation').where({ uuid: ref.operationId }).update({ settings });
    await start();
    expect(await ports()).toMatchObject({ 'control-1': 2222, 'etcd-1': 51000 });
  });

  it("what users made is rendered, passed by when ports are given out, and left when the cluster's rules go", async () => {
    await start();
    const address = (await world.db<PublicAddressRow>('user_ip_address').where({ network_id: networkId }).first())!;
    const own = { network_id: networkId, ip_address_id: address.uuid, user_made: 1, created: now(world.db) };
    const machine = (await readNodes(world.db, cluster.uuid))[0]!;
    const user = randomUUID();
    await world.db('firewall_rules').insert([
      { ...own, uuid: randomUUID(), purpose: 'Firewall', protocol: 'udp', start_port: 53, end_port: 54, cidr_list: '10.0.0.0/8,192.168.0.0/16' },
      { ...own, uuid: randomUUID(), purpose: 'PortForwarding', protocol: 'tcp', start_port: 2226, end_port: 2228, private_port: 80, private_end_port: 82, vm_id: machine.vm_id },
      { ...own, uuid: user, purpose: 'LoadBalancing', protocol: 'tcp', start_port: 80, end_port: 80, private_port: 8080, name: 'web', algorithm: 'source', cidr_list: '198.51.100.0/24' },
    ].map((row) => ({ cidr_list: null, private_port: null, private_end_port: null, vm_id: null, name: null, algorithm: null, ...row }))); // prettier-ignore
    await world.db('load_balancer_vm_map').insert({ rule_id: user, vm_id: machine.vm_id, state: 'Active', created: now(world.db) }); // prettier-ignore
    await add(node('worker', 3));
    await act.apply(ref);
    expect(await ports()).toMatchObject({ 'worker-3': 2229 });
    const users = {
      openings: expect.arrayContaining([
        expect.objectContaining({ protocol: 'udp', from: 53, to: 54, cidr: '10.0.0.0/8' }),
        expect.objectContaining({ protocol: 'udp', from: 53, to: 54, cidr: '192.168.0.0/16' }),
      ]),
      forwards: expect.arrayContaining([
        expect.objectContaining({ publicPort: 2226, publicEndPort: 2228, port: 80, address: machine.ip_address }),
      ]),
      balancers: expect.arrayContaining([
        expect.objectContaining({ name: 'web', port: 8080, algorithm: 'source', cidrs: ['198.51.100.0/24'], check: null, members: [{ address: machine.ip_address, draining: false }] }),
      ]),
    }; // prettier-ignore
    expect(held()).toMatchObject(users);
    await act.withdraw(ref, false);
    expect(held()).toMatchObject(users);
    expect(held().forwards).toHaveLength(1);
    expect(held().balancers).toHaveLength(1);
    expect(await world.db('firewall_rules').where({ network_id: networkId, user_made: 0 })).toEqual([]);
    expect(await world.db('firewall_rules').where({ network_id: networkId })).toHaveLength(3);
  });

  it('a control node is drained and serves again, and one that leaves is out of the balancer', async () => {
    await start();
    const members = () => held().balancers[0]!.members.map(({ draining }) => draining);
    await act.drain(ref, node('control', 2));
    expect(members()).toEqual([false, true]);
    await act.serve(ref, node('control', 2));
    expect(members()).toEqual([false, false]);
    await act.removeNodeRules(ref, node('control', 1));
    expect(members()).toEqual([false]);
  });

  it("members are asked with the cluster's authority once it is known", async () => {
    await start();
    const drift = () =>
      gatewayDrift({ db: world.db, openGateway: () => gateway }).hasDrifted({ networkId, vpcId: null });
    expect(await drift()).toBe(false);
    await writeDetail(world.db, cluster.uuid, 'caCert', 'PEM');
    expect(await drift()).toBe(true);
    await act.apply(ref);
    expect(held().balancers[0]!.check).toEqual({ ca: 'PEM' });
    expect(await drift()).toBe(false);
    gateway.networks.delete(networkId);
    expect(await drift()).toBe(true);
  });

  it('is applied again when somebody changes the rows meanwhile', async () => {
    await act.ensureAddress(ref);
    gateway.meanwhile.push(() => world.db('networks').where({ uuid: networkId }).increment('rules_version', 1));
    await act.apply(ref);
    expect(gateway.applied).toBe(2);
  });

  it('a worker that was cut off takes no address and changes no rule', async () => {
    await start();
    const other = await world.addCluster('other');
    const late = { ...ref, clusterId: other.uuid };
    await world
      .db('operation')
      .where({ uuid: ref.operationId })
      .update({ active_cluster_id: null, ended: now(world.db) });
    const before = await world.db('user_ip_address').where({ state: 'Free' }).count();
    for (const call of [() => act.ensureAddress(late), () => act.apply(ref), () => act.drain(ref, node('control', 1)), () => act.removeNodeRules(ref, node('worker', 1))])
      await expect(call()).rejects.toMatchObject({ type: 'NotHolder' }); // prettier-ignore
    expect(await world.db('user_ip_address').where({ state: 'Free' }).count()).toEqual(before);
    expect(await rules('PortForwarding')).toHaveLength(4);
  });

  it('a network that create made goes with everything, and its address is free again', async () => {
    await start();
    await act.withdraw(ref, true);
    await act.releaseNetwork(ref, true);
    await act.releaseNetwork(ref, true);
    expect([...gateway.networks, ...gateway.addresses]).toEqual([]);
    expect(await world.db('user_ip_address').whereNot({ state: 'Free' })).toEqual([]);
    expect(await world.db('firewall_rules')).toEqual([]);
    expect(await world.db('networks').where({ uuid: networkId }).first()).toMatchObject({
      state: 'Destroy',
      active_number: null,
    });
  });

  it('a withdrawal that was interrupted is no hindrance to a resume', async () => {
    await start();
    await world.db('firewall_rules').where({ network_id: networkId }).update({ state: 'Revoke' });
    await act.apply(ref);
    expect(held().forwards).toHaveLength(4);
    expect(held().balancers).toHaveLength(1);
  });

  it('a shared network has no gateway, so nothing is asked of one', async () => {
    await world.db('networks').where({ uuid: networkId }).update({ guest_type: 'Shared' });
    const none = gatewayActivities({
      db: world.db,
      openGateway: () => {
        throw new Error('there is none');
      },
    });
    await none.ensureAddress(ref);
    await none.apply(ref);
    await none.drain(ref, node('control', 1));
    await none.removeNodeRules(ref, node('worker', 1));
    const drift = gatewayDrift({ db: world.db, openGateway: () => gateway });
    expect(await drift.hasDrifted({ networkId, vpcId: null })).toBe(false);
    await none.withdraw(ref, false);
    await none.releaseNetwork(ref, false);
    expect(await world.db('firewall_rules')).toEqual([]);
  });

  it('a cluster in a VPC has an address of its own and opens what it needs in the ACL of its tier (report 23)', async () => {
    const [vpcId, aclId] = [randomUUID(), randomUUID()];
    const owner = { account_id: cluster.account_id, domain_id: cluster.domain_id, created: now(world.db) };
    await world.db('vpc').insert({ uuid: vpcId, name: 'v', display_text: 'v', data_center_id: world.zone.uuid, vpc_offering_id: 'o', state: 'Enabled', cidr: '10.0.0.0/8', rules_version: 0, ...owner }); // prettier-ignore
    await world
      .db('network_acl')
      .insert({ uuid: aclId, name: 'mine', description: 'mine', vpc_id: vpcId, created: now(world.db) });
    const item = { acl_id: aclId, protocol: 'tcp', cidr_list: '10.0.0.0/8', state: 'Active', created: now(world.db) };
    await world.db('network_acl_item').insert([
      { ...item, uuid: randomUUID(), number: 1, start_port: 80, end_port: 81, traffic_type: 'Ingress', action: 'Deny' },
      {
        ...item,
        uuid: randomUUID(),
        number: 2,
        start_port: 443,
        end_port: 443,
        traffic_type: 'Egress',
        action: 'Allow',
      },
    ]);
    await world.db('networks').where({ uuid: networkId }).update({ vpc_id: vpcId, acl_id: aclId });
    const sourceNat = (await world.db<PublicAddressRow>('user_ip_address').orderBy('id').first())!;
    await world
      .db('user_ip_address')
      .where({ uuid: sourceNat.uuid })
      .update({ state: 'Allocated', vpc_id: vpcId, source_nat: 1 });
    await start();
    const whole = gateway.networks.get(vpcId)!;
    expect(whole.publicAddresses).toHaveLength(2);
    expect(whole.publicAddresses[0]).toBe(sourceNat.public_ip_address);
    expect(whole.openings).toEqual([]);
    expect(new Set([...whole.forwards, ...whole.balancers].map(({ publicAddress }) => publicAddress))).toEqual(
      new Set([whole.publicAddresses[1]]),
    );
    expect(whole.tiers[0]!.acl!.map(({ direction, action, from }) => [direction, action, from])).toEqual([
      ['in', 'allow', 22], ['in', 'allow', 6443], ['in', 'deny', 80], ['out', 'allow', 443], ['out', 'deny', 0],
    ]); // prettier-ignore
    await act.apply(ref);
    expect(
      await world.db<AclItemRow>('network_acl_item').where({ acl_id: aclId }).orderBy('number').pluck('number'),
    ).toEqual([1, 2, 3, 4]);
    await act.withdraw(ref, false);
    await act.releaseNetwork(ref, false);
    expect(gateway.networks.get(vpcId)).toMatchObject({
      publicAddresses: [sourceNat.public_ip_address],
      forwards: [],
      balancers: [],
    });
    expect(await world.db<AclItemRow>('network_acl_item').where({ acl_id: aclId })).toHaveLength(2);
    expect(await world.db('user_ip_address').whereNot({ state: 'Free' })).toHaveLength(1);
  });
});
