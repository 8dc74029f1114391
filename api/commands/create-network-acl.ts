import { addAclItem } from '../../db/acls.js';
import { lockRoot, queueNetworkChange } from '../../db/network-changes.js';
import type { NetworkRow } from '../../db/rows.js';
import { fault } from '../../workflows/model/fault.js';
import { ANYWHERE, readCidrs, readTraffic } from '../../workflows/model/network-rules.js';
import { command, EVERYONE, type Context } from '../command.js';
import { actingOf, submitChange, vpcOfAcl } from '../network-changes.js';
import { p } from '../params.js';
import { NETWORK_ACL } from '../views/vpc.js';

export const createNetworkACL = command({
  name: 'createNetworkACL',
  description: 'Creates an ACL item in the given ACL, or in the ACL of the given tier',
  roles: EVERYONE,
  isAsync: true,
  params: {
    aclid: p.uuid('networkAcl', { description: 'The network of the VM the ACL will be created for' }),
    networkid: p.uuid('network', { description: 'the tier whose ACL gets the item, instead of aclid', access: true }),
    protocol: p.string({ description: 'the protocol: tcp, udp, icmp or all', required: true }),
    startport: p.integer({ description: 'the starting port of ACL' }),
    endport: p.integer({ description: 'the ending port of ACL' }),
    cidrlist: p.list({ description: 'the CIDR list to allow traffic from or to; default 0.0.0.0/0' }),
    icmptype: p.integer({ description: 'type of the ICMP message being sent; -1, the default, for any' }),
    icmpcode: p.integer({ description: 'error code for this ICMP message; -1, the default, for any' }),
    traffictype: p.string({ description: 'the traffic type: Ingress, the default, or Egress' }),
    action: p.string({ description: 'allow, the default, or deny' }),
    number: p.integer({ description: 'its place in the order in which items are tried; default: the last' }),
    reason: p.string({ description: 'a description indicating why the ACL rule is required' }),
  },
  response: NETWORK_ACL,
  async handler(ctx, asked) {
    const aclId = asked.aclid ?? (await aclOfTier(ctx, asked.networkid));
    const vpcId = await vpcOfAcl(ctx, aclId);
    const traffic = readTraffic(asked);
    const cidrs = readCidrs(asked.cidrlist, 'cidrlist', ANYWHERE);
    const trafficType = oneOf(asked.traffictype ?? 'Ingress', 'traffictype', ['Ingress', 'Egress'] as const);
    const action = oneOf(asked.action ?? 'Allow', 'action', ['Allow', 'Deny'] as const);
    if (asked.number !== undefined && asked.number < 1)
      throw fault('BadParameter', `Invalid number: expected 1 or more, found ${asked.number}`);
    return submitChange(ctx, async (trx) => {
      const root = await lockRoot(trx, { vpcId });
      const { live } = root;
      const objectId = await addAclItem(trx, {
        aclId,
        traffic,
        cidrs,
        trafficType,
        action,
        live,
        ...(asked.number !== undefined && { number: asked.number }),
        ...(asked.reason !== undefined && { reason: asked.reason }),
      });
      const name = `${action} ${traffic.protocol} ${trafficType}`;
      return queueNetworkChange(trx, root, { kind: 'createNetworkACL', objectId, name, by: actingOf(ctx) });
    });
  },
});

async function aclOfTier(ctx: Context, networkId: string | undefined): Promise<string> {
  if (networkId === undefined) throw fault('BadParameter', 'Give aclid or networkid: they say which ACL gets the item');
  const tier = await ctx.db<NetworkRow>('networks').where({ uuid: networkId }).first();
  if (!tier?.acl_id)
    throw fault('BadParameter', `Network ${tier?.name ?? networkId} has no ACL: it is no tier of a VPC`);
  return tier.acl_id;
}

function oneOf<T extends string>(given: string, name: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each.toLowerCase() === given.trim().toLowerCase());
  if (found === undefined)
    throw fault('BadParameter', `Invalid ${name}: expected ${allowed.join(' or ')}, found "${given}"`);
  return found;
}
