import type { Knex } from 'knex';
import { fault } from '../workflows/model/fault.js';
import { machineIn } from './add-rule.js';
import { now, type Db } from './knex.js';
import type { Root } from './network-changes.js';
import type { BalancerMemberRow, FirewallRuleRow } from './rows.js';

export interface WantedMember {
  vmId: string;
  /** The machine's address to use; its only one by default. */
  address?: string;
}

/** Adds machines to a balancer rule whose network is held. Machines that are in it already stay. Returns those that are new. */
export async function addMembers(
  trx: Knex.Transaction,
  root: Root,
  rule: FirewallRuleRow,
  wanted: readonly WantedMember[],
): Promise<string[]> {
  const there = await readMembers(trx, rule.uuid);
  const added: string[] = [];
  for (const { vmId, address } of wanted) {
    const machine = await machineIn(trx, root.network!, vmId);
    if (address !== undefined && address !== machine.ip_address)
      throw fault('BadParameter', `Invalid vmip ${address}: machine ${machine.name} has the address ${machine.ip_address}`); // prettier-ignore
    const member = there.find(({ vm_id }) => vm_id === vmId);
    if (added.includes(vmId) || (member && member.state !== 'Revoke')) continue;
    const state = root.live ? 'Add' : 'Active';
    if (member) await trx('load_balancer_vm_map').where({ id: member.id }).update({ state });
    else
      await trx('load_balancer_vm_map').insert({ rule_id: rule.uuid, vm_id: vmId, ip_address: address ?? null, state, created: now(trx) }); // prettier-ignore
    added.push(vmId);
  }
  return added;
}

/** Marks members that leave. Throws when a machine is no member. */
export async function removeMembers(
  trx: Knex.Transaction,
  rule: FirewallRuleRow,
  vmIds: readonly string[],
): Promise<void> {
  const there = new Set((await readMembers(trx, rule.uuid)).map(({ vm_id }) => vm_id));
  const stranger = vmIds.find((id) => !there.has(id));
  if (stranger !== undefined)
    throw fault('BadParameter', `Machine ${stranger} is not assigned to load balancer rule ${rule.name ?? rule.uuid}`);
  await trx('load_balancer_vm_map').where({ rule_id: rule.uuid }).whereIn('vm_id', [...vmIds]).update({ state: 'Revoke' }); // prettier-ignore
}

const readMembers = (db: Db, ruleId: string): Promise<BalancerMemberRow[]> =>
  Promise.resolve(db<BalancerMemberRow>('load_balancer_vm_map').where({ rule_id: ruleId }));

/**
 * Ids of a rule's machines, or, not `applied`, of those in its network that could be added. A cluster's own rule leads to the
 * cluster's control nodes.
 */
export async function listMemberIds(db: Db, rule: FirewallRuleRow, applied: boolean): Promise<string[]> {
  const members =
    rule.user_made === 1
      ? (await readMembers(db, rule.uuid)).filter(({ state }) => state !== 'Revoke').map(({ vm_id }) => vm_id)
      : await db('kubernetes_cluster_vm_map as m')
          .join('kubernetes_cluster as c', 'c.uuid', 'm.cluster_id')
          .where({ 'c.network_id': rule.network_id, 'm.control_node': 1 })
          .whereNull('c.removed')
          .orderBy('m.id')
          .pluck<string[]>('m.vm_id');
  if (applied) return members;
  return db('vm_instance')
    .where({ network_id: rule.network_id })
    .whereNull('removed')
    .whereNotIn('uuid', members)
    .orderBy('id')
    .pluck<string[]>('uuid');
}
