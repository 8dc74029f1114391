import type { Knex } from 'knex';
import { fault } from '../workflows/model/fault.js';
import { cidrsOverlap, cidrWithin, operatorsBridge, type GuestRange } from '../workflows/model/network-rules.js';
import { toNumber } from '../workflows/model/addresses.js';
import { addNetwork } from './create-cluster.js';
import { lockRoot, type Acting } from './network-changes.js';
import type { AclRow, ClusterRow, NetworkOfferingRow, NetworkRow, VmRow, ZoneRow } from './rows.js';
import { writeEvent } from './write-event.js';

export interface NewNetwork {
  name: string;
  displayText: string;
  zone: ZoneRow;
  offering: NetworkOfferingRow;
  owner: { accountId: string; domainId: string };
  accountName: string;
  by: Acting;
  /** Undefined: the zone chooses (isolated networks only). */
  range?: GuestRange;
  networkDomain?: string;
  shared?: { startIp: string; endIp: string; bridge?: string; vlan?: string; aclType: NetworkRow['acl_type'] };
  tier?: { vpcId: string; aclId?: string };
}

/** Writes a network that a user makes. A gateway has it from its first machine or cluster on. Returns its id. */
export async function addUserNetwork(trx: Knex.Transaction, wanted: NewNetwork): Promise<string> {
  const { zone, offering, owner, range, shared, tier } = wanted;
  const aclId = tier && (await checkTier(trx, tier, range!));
  const bridge = shared ? operatorsBridge({ guest_type: 'Shared', bridge: shared.bridge ?? null, vlan: shared.vlan ?? null }) : null; // prettier-ignore
  const uuid = await addNetwork(trx, zone, offering, wanted.name, { ...owner, accountName: wanted.accountName }, { range, bridge }); // prettier-ignore
  if (shared) await checkShared(trx, zone, shared);
  await trx('networks')
    .where({ uuid })
    .update({
      display_text: wanted.displayText,
      guest_type: offering.guest_type,
      network_domain: wanted.networkDomain ?? null,
      ...(shared && {
        // Shared networks are the operator's own: nothing has to be made for them.
        state: 'Setup', start_ip: shared.startIp, end_ip: shared.endIp, bridge: shared.bridge ?? null, vlan: shared.vlan ?? null, acl_type: shared.aclType,
      }),
      ...(tier && { vpc_id: tier.vpcId, acl_id: aclId }),
    }); // prettier-ignore
  await writeEvent(trx, {
    type: 'NETWORK.CREATE', state: 'Completed', description: `Successfully created network ${wanted.name}`, user_id: wanted.by.userId, account_id: owner.accountId,
    domain_id: owner.domainId, resource_type: 'Network', resource_id: uuid,
  }); // prettier-ignore
  return uuid;
}

/** A tier lies in its VPC's range, beside the other tiers. Answers the ACL it has; by default the one that denies all. */
async function checkTier(
  trx: Knex.Transaction,
  tier: { vpcId: string; aclId?: string },
  range: GuestRange,
): Promise<string> {
  const { vpc } = await lockRoot(trx, { vpcId: tier.vpcId });
  if (!cidrWithin(range.cidr, vpc!.cidr))
    throw fault('BadParameter', `The range ${range.cidr} is not within the range ${vpc!.cidr} of VPC ${vpc!.name}`);
  const tiers = await trx<NetworkRow>('networks').where({ vpc_id: tier.vpcId }).whereNull('removed');
  const other = tiers.find(({ cidr }) => cidrsOverlap(cidr, range.cidr));
  if (other) throw fault('BadParameter', `The range ${range.cidr} overlaps ${other.cidr} of tier ${other.name}`);
  return tierAcl(trx, tier.vpcId, tier.aclId);
}

/** The ACL, which has to be of the VPC or one of the two that all have; without an id `default_deny`, as in the original. */
export async function tierAcl(trx: Knex.Transaction, vpcId: string, aclId: string | undefined): Promise<string> {
  const acls = trx<AclRow>('network_acl').whereNull('removed');
  const acl = await (aclId === undefined ? acls.where({ name: 'default_deny', vpc_id: null }) : acls.where({ uuid: aclId })).first(); // prettier-ignore
  if (!acl || (acl.vpc_id !== null && acl.vpc_id !== vpcId))
    throw fault('BadParameter', `The network ACL ${aclId} does not belong to the VPC ${vpcId}`);
  return acl.uuid;
}

async function checkShared(
  trx: Knex.Transaction,
  zone: ZoneRow,
  wanted: NonNullable<NewNetwork['shared']>,
): Promise<void> {
  // The zone's row is held since the network got its number, so none can come in between.
  const others = await trx<NetworkRow>('networks').where({ data_center_id: zone.uuid, guest_type: 'Shared' }).whereNull('removed').whereNotNull('start_ip'); // prettier-ignore
  const clash = others.find(
    (other) =>
      other.bridge === (wanted.bridge ?? null) &&
      other.vlan === (wanted.vlan ?? null) &&
      toNumber(other.start_ip!) <= toNumber(wanted.endIp) &&
      toNumber(wanted.startIp) <= toNumber(other.end_ip!),
  );
  if (clash)
    throw fault('BadParameter', `The addresses ${wanted.startIp}-${wanted.endIp} overlap ${clash.start_ip}-${clash.end_ip} of network ${clash.name} on the same bridge or VLAN`); // prettier-ignore
}

/** Who still needs the network, in words; undefined: nobody. */
export async function usersOfNetwork(trx: Knex.Transaction, network: NetworkRow): Promise<string | undefined> {
  const clusters = await trx<ClusterRow>('kubernetes_cluster').where({ network_id: network.uuid }).whereNull('removed').orderBy('id'); // prettier-ignore
  const machines = await trx<VmRow>('vm_instance').where({ network_id: network.uuid }).whereNull('removed').orderBy('id'); // prettier-ignore
  const named = [
    ...clusters.map(({ name }) => `Kubernetes cluster ${name}`),
    ...machines.slice(0, 10).map(({ name }) => `machine ${name}`),
    ...(machines.length > 10 ? [`${machines.length - 10} more machines`] : []),
  ];
  return named.length === 0 ? undefined : named.join(', ');
}
