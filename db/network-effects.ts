import type { Knex } from 'knex';
import type { ChangedObject } from '../workflows/model/network-change.js';
import { now } from './knex.js';
import type { NetworkRow } from './rows.js';

/** What a change keeps to put back when the gateway fails. */
export interface WasBefore {
  /** Network: its state. */
  state?: string;
  /** Tier: its ACL. */
  aclId?: string | null;
  /** Balancer rule. */
  algorithm?: string | null;
  name?: string | null;
  description?: string | null;
  /** Machines of a balancer rule that the change adds or takes out. */
  added?: string[];
  removed?: string[];
  /** Rules that go with what is deleted. */
  ruleIds?: string[];
}

type Effect = (trx: Knex.Transaction, id: string, was: WasBefore) => Promise<void>;
interface Effects {
  /** A create has reached the gateway. */
  made?: Effect;
  /** A create that failed, or a delete that has reached the gateway. */
  gone?: Effect;
  /** A delete that failed. */
  kept?: Effect;
  changed?: Effect;
  restored?: Effect;
}

/** Rules with the firewall rules that were opened for them, and their members. */
export async function dropRules(trx: Knex.Transaction, ids: readonly string[]): Promise<void> {
  const all = [...ids];
  if (all.length === 0) return;
  await trx('load_balancer_vm_map').whereIn('rule_id', all).delete();
  await trx('firewall_rules').whereIn('uuid', all).orWhereIn('related_id', all).delete();
}

/** Turns rules with all that belongs to them from one state to another. */
export async function turnRules(
  trx: Knex.Transaction,
  ids: readonly string[],
  from: string,
  state: string,
): Promise<void> {
  await trx('firewall_rules')
    .where((either) => void either.whereIn('uuid', [...ids]).orWhereIn('related_id', [...ids]))
    .where({ state: from })
    .update({ state });
  await trx('load_balancer_vm_map')
    .whereIn('rule_id', [...ids])
    .where({ state: from })
    .update({ state });
}

const FREE = {
  state: 'Free', network_id: null, vpc_id: null, account_id: null, source_nat: 0, allocated: null,
} as const; // prettier-ignore

const rule: Effects = {
  made: (trx, id) => turnRules(trx, [id], 'Add', 'Active'),
  gone: (trx, id) => dropRules(trx, [id]),
  kept: (trx, id) => turnRules(trx, [id], 'Revoke', 'Active'),
};

const only = (table: string): Effects => ({
  made: async (trx, uuid) => void (await trx(table).where({ uuid, state: 'Add' }).update({ state: 'Active' })),
  gone: async (trx, uuid) => void (await trx(table).where({ uuid }).delete()),
  kept: async (trx, uuid) => void (await trx(table).where({ uuid }).update({ state: 'Active' })),
});

const members = (trx: Knex.Transaction, ruleId: string, vmIds: readonly string[] = []) =>
  trx('load_balancer_vm_map')
    .where({ rule_id: ruleId })
    .whereIn('vm_id', [...vmIds]);

/** What becomes of the rows at the end of a change. Each is safe to run when the rows are gone. */
export const EFFECTS: Record<ChangedObject, Effects> = {
  firewallrule: rule,
  portforwardingrule: rule,
  loadbalancer: {
    ...rule,
    changed: async (trx, id, was) => {
      await members(trx, id, was.added).update({ state: 'Active' });
      await members(trx, id, was.removed).delete();
    },
    restored: async (trx, id, was) => {
      await members(trx, id, was.added).delete();
      await members(trx, id, was.removed).update({ state: 'Active' });
      if (was.algorithm !== undefined)
        await trx('firewall_rules')
          .where({ uuid: id })
          .update({ algorithm: was.algorithm, name: was.name, description: was.description ?? null });
    },
  },
  egressfirewallrule: only('egress_firewall_rules'),
  networkacl: only('network_acl_item'),
  networkacllist: {
    gone: async (trx, uuid) => {
      await trx('network_acl_item').where({ acl_id: uuid }).delete();
      await trx('network_acl')
        .where({ uuid })
        .update({ removed: now(trx) });
    },
  },
  tieracl: {
    restored: async (trx, uuid, was) => void (await trx('networks').where({ uuid }).update({ acl_id: was.aclId })),
  },
  ipaddress: {
    made: async (trx, uuid) =>
      void (await trx('user_ip_address').where({ uuid, state: 'Allocating' }).update({ state: 'Allocated' })),
    gone: async (trx, uuid) => {
      await dropRules(trx, await trx('firewall_rules').where({ ip_address_id: uuid }).pluck<string[]>('uuid'));
      await trx('user_ip_address').where({ uuid }).update(FREE);
    },
    kept: async (trx, uuid, was) => {
      await trx('user_ip_address').where({ uuid, state: 'Releasing' }).update({ state: 'Allocated' });
      await turnRules(trx, was.ruleIds ?? [], 'Revoke', 'Active');
    },
  },
  network: {
    gone: async (trx, uuid) => {
      const network = await trx<NetworkRow>('networks').where({ uuid }).first();
      await dropRules(trx, await trx('firewall_rules').where({ network_id: uuid }).pluck<string[]>('uuid'));
      await trx('egress_firewall_rules').where({ network_id: uuid }).delete();
      // Addresses of a tier stay with its VPC.
      await trx('user_ip_address')
        .where({ network_id: uuid })
        .update(network?.vpc_id == null ? FREE : { network_id: null });
      await trx('networks')
        .where({ uuid })
        .update({ state: 'Destroy', active_number: null, removed: now(trx) });
    },
    kept: async (trx, uuid, was) =>
      void (await trx('networks').where({ uuid }).whereNull('removed').update({ state: was.state })),
  },
  vpc: {
    gone: async (trx, uuid) => {
      await trx('user_ip_address').where({ vpc_id: uuid }).update(FREE);
      await trx('network_acl')
        .where({ vpc_id: uuid })
        .whereNull('removed')
        .update({ removed: now(trx) });
      await trx('vpc')
        .where({ uuid })
        .update({ state: 'Inactive', removed: now(trx) });
    },
    kept: async (trx, uuid) => void (await trx('vpc').where({ uuid }).update({ state: 'Enabled' })),
  },
};
