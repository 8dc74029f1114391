import { randomUUID } from 'node:crypto';
import { mustReadCluster, writeDetail } from '../../db/clusters.js';
import { now, transact } from '../../db/knex.js';
import { readNodes } from '../../db/nodes.js';
import type { FirewallRuleRow, NetworkRow, PublicAddressRow, VmRow, ZoneRow } from '../../db/rows.js';
import { fault } from '../../workflows/model/fault.js';
import type { StepRef } from '../../workflows/model/operation.js';
import type { Deps } from '../deps.js';
import type { GatewayNetwork } from './driver.js';

export const API_PORT = 6443;
export const FIRST_SSH_PORT = 2222;

/** A network on its gateway: address, forwards, firewall, balancer. Rules are rows; the gateway gets the rendered whole. */
export const gatewayActivities = ({ db, openGateway }: Deps) => {
  const open = async (clusterId: string) => {
    const cluster = await mustReadCluster(db, clusterId);
    const network = await db<NetworkRow>('networks')
      .where({ uuid: cluster.network_id ?? '' })
      .first();
    const zone = await db<ZoneRow>('data_center').where({ uuid: cluster.zone_id }).first();
    if (!network || !zone) throw fault('Internal', `cluster ${cluster.name} has no network`);
    return { cluster, network, zone, gateway: openGateway(zone.gateway_url) };
  };

  const addressOf = (networkId: string) =>
    db<PublicAddressRow>('user_ip_address').where({ network_id: networkId, source_nat: 1 }).first();

  return {
    /** Leaves the network with a source-NAT address of its own: the row decides, then the gateway holds it. */
    async ensureAddress({ clusterId }: StepRef): Promise<void> {
      const { cluster, network, zone, gateway } = await open(clusterId);
      if (!(await addressOf(network.uuid))) {
        await transact(db, async (trx) => {
          // The zone's row is the queue of those who want an address of it.
          await trx('data_center').where({ uuid: zone.uuid }).forUpdate().first();
          const addresses = trx<PublicAddressRow>('user_ip_address');
          if (await addresses.clone().where({ network_id: network.uuid, source_nat: 1 }).first()) return;
          const free = await addresses
            .clone()
            .where({ data_center_id: zone.uuid, state: 'Free' })
            .orderBy('id')
            .first();
          if (!free) throw fault('AddressesExhausted', `zone ${zone.name} has no free public address`);
          await trx('user_ip_address')
            .where({ uuid: free.uuid, state: 'Free' })
            .update({
              state: 'Allocated',
              network_id: network.uuid,
              account_id: cluster.account_id,
              source_nat: 1,
              allocated: now(trx),
            });
        });
      }
      const address = await addressOf(network.uuid);
      await gateway.ensureAddress(network.uuid, address?.public_ip_address ?? '');
    },

    /** Leaves the gateway with exactly the rules that the cluster's nodes need. */
    async apply({ clusterId }: StepRef): Promise<void> {
      const { network, gateway } = await open(clusterId);
      const address = await addressOf(network.uuid);
      if (!address) throw fault('Internal', `network ${network.name} has no public address`);
      const nodes = await readNodes(db, clusterId);
      const rule = { network_id: network.uuid, ip_address_id: address.uuid, protocol: 'tcp' };
      await transact(db, async (trx) => {
        const add = (row: Partial<FirewallRuleRow>) =>
          trx('firewall_rules')
            .insert({ uuid: randomUUID(), ...rule, ...row, created: now(trx) })
            .onConflict(['ip_address_id', 'purpose', 'start_port'])
            .ignore();
        await add({ purpose: 'Firewall', start_port: API_PORT, end_port: API_PORT });
        await add({ purpose: 'Firewall', start_port: FIRST_SSH_PORT, end_port: FIRST_SSH_PORT + nodes.length - 1 });
        await add({
          purpose: 'LoadBalancing',
          start_port: API_PORT,
          end_port: API_PORT,
          private_port: API_PORT,
          name: 'api-lb',
        });
        for (const [i, node] of nodes.entries())
          await add({
            purpose: 'PortForwarding',
            start_port: FIRST_SSH_PORT + i,
            end_port: FIRST_SSH_PORT + i,
            private_port: 22,
            vm_id: node.vm_id,
          });
      });
      const rules = await db<FirewallRuleRow>('firewall_rules').where({ network_id: network.uuid }).orderBy('id');
      const addressOfVm = new Map(nodes.map((node) => [node.vm_id, node.ip_address ?? '']));
      await gateway.apply(
        render(
          network,
          address.public_ip_address,
          rules,
          addressOfVm,
          nodes.filter(({ control_node }) => control_node === 1).map(({ ip_address }) => ip_address ?? ''),
        ),
      );
      await db('networks').where({ uuid: network.uuid }).update({ state: 'Implemented' });
      await writeDetail(db, clusterId, 'networkApplied', 'true');
    },

    /** Takes the cluster's rules off the gateway, and the whole network where create made it. */
    async withdraw({ clusterId }: StepRef, networkOwned: boolean): Promise<void> {
      const { network, gateway } = await open(clusterId);
      await writeDetail(db, clusterId, 'networkApplied', 'false');
      if (!networkOwned) {
        const address = await addressOf(network.uuid);
        const nodes = new Set((await readNodes(db, clusterId)).map(({ vm_id }) => vm_id));
        const rules = await db<FirewallRuleRow>('firewall_rules').where({ network_id: network.uuid });
        // The cluster's rules are those to its nodes, and the two port ranges that belong to it by convention.
        const own = (rule: FirewallRuleRow) =>
          rule.vm_id === null
            ? rule.start_port === API_PORT || rule.start_port === FIRST_SSH_PORT
            : nodes.has(rule.vm_id);
        const left = rules.filter((rule) => !own(rule));
        // What the owner forwards to machines of his own stays.
        const machines = await db<VmRow>('vm_instance')
          .whereIn(
            'uuid',
            left.flatMap(({ vm_id }) => vm_id ?? []),
          )
          .select('uuid', 'ip_address');
        const addresses = new Map(machines.map((vm) => [vm.uuid, vm.ip_address ?? '']));
        if (address) await gateway.apply(render(network, address.public_ip_address, left, addresses, []));
        await db('firewall_rules')
          .whereIn(
            'uuid',
            rules.filter(own).map(({ uuid }) => uuid),
          )
          .delete();
        return;
      }
      await gateway.ensureAbsent(network.uuid);
      await db('firewall_rules').where({ network_id: network.uuid }).delete();
      await db('networks').where({ uuid: network.uuid }).update({ state: 'Shutdown' });
    },

    /** Frees the public address and the network's number, once the gateway has let go of them. */
    async releaseNetwork({ clusterId }: StepRef, networkOwned: boolean): Promise<void> {
      if (!networkOwned) return;
      const { network, gateway } = await open(clusterId);
      await gateway.ensureAbsent(network.uuid);
      await db('user_ip_address')
        .where({ network_id: network.uuid })
        .update({ state: 'Free', network_id: null, account_id: null, source_nat: 0, allocated: null });
      await db('networks')
        .where({ uuid: network.uuid })
        .update({ state: 'Destroy', active_number: null, removed: now(db) });
    },
  };
};

function render(
  network: NetworkRow,
  publicAddress: string,
  rules: FirewallRuleRow[],
  addressOfVm: Map<string, string>,
  members: string[],
): GatewayNetwork {
  const of = (purpose: FirewallRuleRow['purpose']) => rules.filter((rule) => rule.purpose === purpose);
  return {
    networkId: network.uuid,
    networkNumber: network.network_number,
    cidr: network.cidr,
    gateway: network.gateway,
    publicAddress,
    open: of('Firewall').map(({ start_port, end_port }) => ({ from: start_port, to: end_port })),
    forwards: of('PortForwarding').map(({ start_port, vm_id, private_port }) => ({
      publicPort: start_port,
      address: addressOfVm.get(vm_id ?? '') ?? '',
      port: private_port ?? 22,
    })),
    balancers: of('LoadBalancing').map(({ name, start_port, private_port }) => ({
      name: name ?? 'lb',
      publicPort: start_port,
      port: private_port ?? start_port,
      members,
    })),
  };
}
