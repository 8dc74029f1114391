import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { now } from '../../db/knex.js';
import type { NodeRow } from '../../db/nodes.js';
import type { AclItemRow, AclRow, ClusterRow, FirewallRuleRow, NetworkRow, PublicAddressRow } from '../../db/rows.js';
import { ANYWHERE, API_PORT, FIRST_SSH_PORT } from '../../workflows/model/network-rules.js';
import { wantedRules } from './node-rules.js';

/** Where a cluster's rules are rows: its network, which may be a tier of a VPC, and its public address. */
export interface Place {
  cluster: ClusterRow;
  network: NetworkRow;
  address: PublicAddressRow;
}

/** A rule is made once: its row's key says which one it is. */
const KEY = ['ip_address_id', 'purpose', 'protocol', 'start_port', 'slot'];
const ownRules = (trx: Knex.Transaction, { network }: Pick<Place, 'network'>) =>
  trx<FirewallRuleRow>('firewall_rules').where({ network_id: network.uuid, user_made: 0 });

/** Leaves the rows of all rules that the cluster and these nodes of it need; rules that are there stay as they are. */
export async function addClusterRules(
  trx: Knex.Transaction,
  place: Place,
  nodes: readonly NodeRow[],
  etcdStart: number,
): Promise<void> {
  const { network, address } = place;
  const at = { network_id: network.uuid, ip_address_id: address.uuid, protocol: 'tcp' };
  const add = (row: Partial<FirewallRuleRow>) =>
    trx('firewall_rules')
      .insert({ uuid: randomUUID(), ...at, ...row, created: now(trx) })
      .onConflict(KEY)
      .ignore();
  const single = (port: number) => ({ start_port: port, end_port: port });
  // Rules of a withdrawal that did not come to its end.
  await ownRules(trx, place).where({ state: 'Revoke' }).update({ state: 'Active' });
  const forwards = await trx<FirewallRuleRow>('firewall_rules').where({
    ip_address_id: address.uuid,
    protocol: 'tcp',
    purpose: 'PortForwarding',
  });
  const wanted = wantedRules(nodes, forwards, etcdStart);
  await add({ purpose: 'LoadBalancing', ...single(API_PORT), private_port: API_PORT, name: 'api-lb' });
  for (const { vmId, port } of wanted.forwards)
    await add({ purpose: 'PortForwarding', ...single(port), private_port: 22, vm_id: vmId });
  if (network.vpc_id !== null) return allowInAcl(trx, place);
  await add({ purpose: 'Firewall', ...single(API_PORT) });
  await add({ purpose: 'Firewall', start_port: FIRST_SSH_PORT, end_port: wanted.lastPort });
  await ownRules(trx, place)
    .where({ purpose: 'Firewall', start_port: FIRST_SSH_PORT })
    .whereNull('vm_id')
    .update({ end_port: wanted.lastPort });
  for (const { vmId, port } of wanted.singles) await add({ purpose: 'Firewall', ...single(port), vm_id: vmId });
}

/** Takes away the rules of these machines and of those that are nodes no more: one may have got its forward while it was let go. */
export const removeMachineRules = (trx: Knex.Transaction, place: Place, vmIds: readonly string[]): Promise<unknown> =>
  Promise.resolve(
    ownRules(trx, place)
      .whereNotNull('vm_id')
      .where((rule) =>
        rule.whereIn('vm_id', [...vmIds]).orWhereNotIn('vm_id', trx('kubernetes_cluster_vm_map').select('vm_id')),
      )
      .delete(),
  );

/**
 * Machines of the cluster that have a forward now. Nodes without one are not in yet, or are leaving at the same time as another: they are
 * given none when that one's rules go.
 */
export const forwardedMachines = async (trx: Knex.Transaction, place: Place): Promise<ReadonlySet<string | null>> =>
  new Set(await ownRules(trx, place).where({ purpose: 'PortForwarding' }).pluck<(string | null)[]>('vm_id'));

/** Marks the cluster's rules as no longer wanted: they are not rendered any more. */
export async function revokeClusterRules(
  trx: Knex.Transaction,
  place: Pick<Place, 'network' | 'cluster'>,
): Promise<void> {
  await ownRules(trx, place).update({ state: 'Revoke' });
  await aclItems(trx, place).delete();
}

export const dropRevokedRules = (trx: Knex.Transaction, place: Pick<Place, 'network'>): Promise<unknown> =>
  Promise.resolve(ownRules(trx, place).where({ state: 'Revoke' }).delete());

const markOf = ({ uuid }: ClusterRow) => `Kubernetes cluster ${uuid}`;
const aclItems = (trx: Knex.Transaction, { network, cluster }: Pick<Place, 'network' | 'cluster'>) =>
  trx<AclItemRow>('network_acl_item').where({ acl_id: network.acl_id ?? '', reason: markOf(cluster) });

/** A tier's own ACL lets in SSH and the API server, before all else that it says; the lists that every VPC has are left alone. */
async function allowInAcl(trx: Knex.Transaction, { network, cluster }: Place): Promise<void> {
  const acl = await trx<AclRow>('network_acl')
    .where({ uuid: network.acl_id ?? '' })
    .first();
  if (!acl || acl.vpc_id === null) return;
  const present = await aclItems(trx, { network, cluster });
  const missing = [22, API_PORT].filter((port) => !present.some(({ start_port }) => start_port === port));
  if (missing.length === 0) return;
  const others = await trx<AclItemRow>('network_acl_item').where({ acl_id: acl.uuid }).orderBy('number', 'desc');
  const room = Math.min(...others.map(({ number }) => number)) - 1;
  // From the last on, since a number is never there twice.
  if (room < missing.length)
    for (const { uuid, number } of others)
      await trx('network_acl_item')
        .where({ uuid })
        .update({ number: number + missing.length });
  for (const [i, port] of missing.entries())
    await trx('network_acl_item').insert({
      uuid: randomUUID(), acl_id: acl.uuid, number: i + 1, protocol: 'tcp', start_port: port, end_port: port, cidr_list: ANYWHERE, traffic_type: 'Ingress', action: 'Allow',
      state: 'Active', reason: markOf(cluster), created: now(trx),
    }); // prettier-ignore
}
