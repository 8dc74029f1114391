import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { fault } from '../workflows/model/fault.js';
import type { Traffic } from '../workflows/model/network-rules.js';
import { now } from './knex.js';
import { lockRoot, type Root } from './network-changes.js';
import type { EgressRuleRow } from './rows.js';

export interface NewEgressRule {
  networkId: string;
  traffic: Traffic;
  cidrs: string | null;
  destinations: string | null;
}

/** Writes an exception from a network's egress policy. Equal ones conflict. */
export async function addEgressRule(
  trx: Knex.Transaction,
  { networkId, traffic, cidrs, destinations }: NewEgressRule,
): Promise<{ root: Root; uuid: string }> {
  const root = await lockRoot(trx, { networkId });
  const { network } = root;
  if (root.vpc || network?.guest_type !== 'Isolated')
    throw fault('BadParameter', `Network ${network?.name} has no egress rules: ${root.vpc ? 'use network ACLs in a VPC' : 'it is shared'}`); // prettier-ignore
  const { protocol, ports, icmpType, icmpCode } = traffic;
  const rule = {
    network_id: networkId, protocol, start_port: ports?.from ?? null, end_port: ports?.to ?? null, icmp_type: icmpType ?? null, icmp_code: icmpCode ?? null,
    cidr_list: cidrs, dest_cidr_list: destinations,
  }; // prettier-ignore
  const same = await trx<EgressRuleRow>('egress_firewall_rules').where(rule).first();
  if (same) throw fault('NetworkRuleConflict', `Network ${network.name} has this egress rule already: ${same.uuid}`);
  const uuid = randomUUID();
  await trx('egress_firewall_rules').insert({ uuid, ...rule, state: root.live ? 'Add' : 'Active', created: now(trx) });
  return { root, uuid };
}

/** Marks the rule as going; its network is held then. */
export async function revokeEgressRule(
  trx: Knex.Transaction,
  uuid: string,
): Promise<{ root: Root; rule: EgressRuleRow }> {
  const read = () => trx<EgressRuleRow>('egress_firewall_rules').where({ uuid }).first();
  const seen = await read();
  const root = seen && (await lockRoot(trx, { networkId: seen.network_id }));
  const rule = root && (await read());
  if (!rule || rule.state === 'Revoke') throw fault('BadParameter', `The rule ${uuid} was deleted`);
  await trx('egress_firewall_rules').where({ uuid }).update({ state: 'Revoke' });
  return { root, rule };
}
