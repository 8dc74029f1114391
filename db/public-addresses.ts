import type { Knex } from 'knex';
import { fault } from '../workflows/model/fault.js';
import { assertUserMade } from './add-rule.js';
import { now } from './knex.js';
import type { Root } from './network-changes.js';
import type { FirewallRuleRow, PublicAddressRow } from './rows.js';

/**
 * Takes a free public address of the zone for the network or VPC that the transaction holds: the one that is asked for, else
 * the first. The first of an isolated network or of a VPC becomes its source NAT address, as in the original. Returns its row.
 */
export async function takePublicAddress(trx: Knex.Transaction, root: Root, wanted?: string): Promise<PublicAddressRow> {
  const addresses = () => trx<PublicAddressRow>('user_ip_address').where({ data_center_id: root.zoneId });
  const of = root.vpc ? { vpc_id: root.vpc.uuid } : { network_id: root.network!.uuid };
  // An address that was acquired for a tier serves that tier.
  const tier = root.vpc && root.network ? { network_id: root.network.uuid } : {};
  const sourceNat = await addresses().where({ ...of, source_nat: 1 }).first(); // prettier-ignore
  for (;;) {
    const free = await (wanted === undefined ? addresses() : addresses().where({ public_ip_address: wanted }))
      .where({ state: 'Free' })
      .orderBy('id')
      .first();
    if (!free) throw await exhausted(trx, root, wanted);
    const taken = await trx('user_ip_address')
      .where({ uuid: free.uuid, state: 'Free' })
      .update({
        ...of,
        ...tier,
        state: root.live ? 'Allocating' : 'Allocated',
        account_id: root.accountId,
        source_nat: sourceNat ? 0 : 1,
        allocated: now(trx),
      });
    // Another took it between the look and the update: the next one then.
    if (taken === 1) return (await addresses().where({ uuid: free.uuid }).first())!;
  }
}

async function exhausted(trx: Knex.Transaction, root: Root, wanted: string | undefined): Promise<Error> {
  const zone = await trx('data_center').where({ uuid: root.zoneId }).first<{ name: string }>('name');
  if (wanted === undefined)
    return fault('AddressesExhausted', `Zone ${zone.name} has no free public address: release one, or let an operator add some`); // prettier-ignore
  const row = await trx('user_ip_address').where({ data_center_id: root.zoneId, public_ip_address: wanted }).first<object | undefined>(); // prettier-ignore
  return fault('BadParameter', row ? `The public address ${wanted} is not free` : `Zone ${zone.name} has no public address ${wanted}`); // prettier-ignore
}

/** Marks an address and its rules as going; its network or VPC is held. Throws for a source NAT address and for one that a cluster uses. */
export async function revokeAddress(
  trx: Knex.Transaction,
  addressId: string,
): Promise<{ address: PublicAddressRow; ruleIds: string[] }> {
  const address = (await trx<PublicAddressRow>('user_ip_address').where({ uuid: addressId }).first())!;
  if (address.state === 'Free' || address.state === 'Releasing')
    throw fault('BadParameter', `The public address ${address.public_ip_address} is not acquired any more`);
  if (address.source_nat === 1)
    throw fault('BadParameter', `ip address ${address.public_ip_address} is used for source nat purposes and can not be disassociated: it goes with its network or VPC`); // prettier-ignore
  const rules = await trx<FirewallRuleRow>('firewall_rules').where({ ip_address_id: addressId }).whereNot({ state: 'Revoke' }); // prettier-ignore
  const ofCluster = rules.find(({ user_made }) => user_made === 0);
  if (ofCluster) await assertUserMade(trx, ofCluster);
  const ruleIds = rules.map(({ uuid }) => uuid);
  await trx('firewall_rules').whereIn('uuid', ruleIds).update({ state: 'Revoke' });
  await trx('load_balancer_vm_map').whereIn('rule_id', ruleIds).update({ state: 'Revoke' });
  await trx('user_ip_address').where({ uuid: addressId }).update({ state: 'Releasing' });
  return { address, ruleIds };
}
