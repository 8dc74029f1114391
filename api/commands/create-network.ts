import { addUserNetwork, type NewNetwork } from '../../db/add-network.js';
import { transact } from '../../db/knex.js';
import type { NetworkOfferingRow, ZoneRow } from '../../db/rows.js';
import { fault } from '../../workflows/model/fault.js';
import { readAddressRange, readGuestRange } from '../../workflows/model/network-rules.js';
import { ADMIN, command, EVERYONE, object, type Context } from '../command.js';
import { actingOf } from '../network-changes.js';
import { newOwner } from '../ownership.js';
import { OWNER, p } from '../params.js';
import { NETWORK } from '../views/network.js';
import { renderNetwork } from '../views/network-objects.js';

const params = {
  name: p.string({ description: 'the name of the network', required: true }),
  displaytext: p.string({ description: 'the display text of the network; default: its name' }),
  networkofferingid: p.uuid('networkOffering', { description: 'the network offering ID', required: true }),
  zoneid: p.uuid('zone', { description: 'the zone ID for the network', required: true }),
  gateway: p.string({ description: 'the gateway of the network; with netmask. Isolated: default from the zone' }),
  netmask: p.string({ description: 'the netmask of the network' }),
  startip: p.string({ description: 'shared networks: the first address that machines may have' }),
  endip: p.string({ description: 'shared networks: the last address that machines may have' }),
  vlan: p.string({ description: 'shared networks: the VLAN of the hosts', roles: ADMIN, length: 20 }),
  bridge: p.string({
    description: 'shared networks: the bridge that each host has, instead of a VLAN',
    roles: ADMIN,
    length: 60,
  }),
  vpcid: p.uuid('vpc', { description: 'the VPC that the network is a tier of', access: true }),
  aclid: p.uuid('networkAcl', { description: 'tiers: network ACL; default default_deny' }),
  acltype: p.string({
    description: 'shared networks: domain, the default: accounts of the domain and below may use it; or account',
  }),
  networkdomain: p.string({ description: 'network domain', length: 191 }),
  cidrsize: p.integer({ description: 'routed networks only, which are not supported' }),
  asnumber: p.long({ description: 'routed networks only, which are not supported' }),
  ...OWNER,
};

/** Writes a network's row. An isolated one, or a tier, comes to its gateway with its first cluster or machine. */
export const createNetwork = command({
  name: 'createNetwork',
  description: 'Creates a network',
  roles: EVERYONE,
  params,
  response: NETWORK,
  async handler(ctx, asked) {
    const owner = await newOwner(ctx, asked);
    const offering = await usableOffering(ctx, asked.networkofferingid);
    const zone = await ctx.db<ZoneRow>('data_center').where({ uuid: asked.zoneid }).whereNull('removed').first();
    if (!zone) throw fault('BadParameter', `Zone ${asked.zoneid} was removed`);
    if (zone.allocation_state !== 'Enabled' && ctx.caller.role !== 'A')
      throw fault('PermissionDenied', `Cannot perform this operation, Zone is currently disabled: ${zone.name}`);
    const tells = (what: string) =>
      fault('BadParameter', `${what} with network offering ${offering.name} (${offering.guest_type})`);
    if (asked.asnumber !== undefined || asked.cidrsize !== undefined)
      throw tells('asnumber and cidrsize belong to routed networks and cannot be used');
    if ((offering.for_vpc === 1) !== (asked.vpcid !== undefined))
      throw tells(offering.for_vpc === 1 ? 'vpcid is required' : 'vpcid cannot be used');
    if ((asked.gateway === undefined) !== (asked.netmask === undefined))
      throw fault('BadParameter', 'gateway and netmask must be given together');
    const range = asked.gateway === undefined ? undefined : readGuestRange(asked.gateway, asked.netmask ?? '');
    const special = [asked.startip, asked.endip, asked.vlan, asked.bridge, asked.acltype].some((each) => each !== undefined); // prettier-ignore
    if (offering.guest_type !== 'Shared' && special)
      throw tells('startip, endip, vlan, bridge and acltype belong to shared networks and cannot be used');
    if (asked.aclid !== undefined && asked.vpcid === undefined)
      throw fault('BadParameter', 'aclid can be used only with vpcid');
    if (!range && (offering.guest_type === 'Shared' || asked.vpcid !== undefined))
      throw tells('gateway and netmask are required');
    const account = await ctx
      .db('account')
      .where({ uuid: owner.accountId })
      .first<{ account_name: string }>('account_name');
    const wanted: NewNetwork = {
      name: asked.name,
      displayText: asked.displaytext ?? asked.name,
      zone,
      offering,
      owner,
      accountName: account.account_name,
      by: actingOf(ctx),
      ...(range && { range }),
      ...(asked.networkdomain !== undefined && { networkDomain: asked.networkdomain }),
      ...(offering.guest_type === 'Shared' && range && { shared: sharedPart(ctx, asked, range) }),
      ...(asked.vpcid !== undefined && {
        tier: { vpcId: asked.vpcid, ...(asked.aclid !== undefined && { aclId: asked.aclid }) },
      }),
    };
    const id = await transact(ctx.db, (trx) => addUserNetwork(trx, wanted));
    return object(await renderNetwork(ctx, id));
  },
});

async function usableOffering(ctx: Context, id: string): Promise<NetworkOfferingRow> {
  const offering = await ctx
    .db<NetworkOfferingRow>('network_offerings')
    .where({ uuid: id })
    .whereNull('removed')
    .first();
  if (!offering) throw fault('BadParameter', `Unable to find network offering by id ${id}: it was removed`);
  if (offering.state !== 'Enabled')
    throw fault('BadParameter', `Can't use the network offering ${offering.name}: it is ${offering.state}`);
  return offering;
}

function sharedPart(
  ctx: Context,
  asked: { startip?: string; endip?: string; vlan?: string; bridge?: string; acltype?: string; account?: string },
  range: Parameters<typeof readAddressRange>[0],
): NonNullable<NewNetwork['shared']> {
  if (ctx.caller.role !== 'A')
    throw fault('PermissionDenied', 'Only root admins may create shared networks: they join machines to a network of the hosts'); // prettier-ignore
  if (asked.startip === undefined)
    throw fault('BadParameter', 'A shared network needs startip, and endip where it is more than one address');
  if ((asked.vlan === undefined) === (asked.bridge === undefined))
    throw fault('BadParameter', 'A shared network needs vlan or bridge, one of them: it says what its machines are joined to'); // prettier-ignore
  if (asked.vlan !== undefined && !/^([1-9]\d{0,2}|[1-3]\d{3}|40[0-8]\d|409[0-4])$/.test(asked.vlan))
    throw fault('BadParameter', `Invalid vlan: expected a number from 1 to 4094, found "${asked.vlan}"`);
  if (asked.bridge !== undefined && !/^[a-zA-Z][\w.-]{0,14}$/.test(asked.bridge))
    throw fault('BadParameter', `Invalid bridge: expected the name of a network interface, found "${asked.bridge}"`);
  const own = /^cks([gvx]?)\d+$/.exec(asked.bridge ?? '');
  if (own)
    throw fault('BadParameter', `Invalid bridge: ${asked.bridge} is a name that ${own[1] === 'v' ? 'stands for a VLAN: give vlan instead' : 'this service gives to what it makes for networks of users: join the hosts to a bridge of another name'}`); // prettier-ignore
  const aclType = asked.acltype?.toLowerCase() ?? (asked.account === undefined ? 'domain' : 'account');
  if (aclType !== 'domain' && aclType !== 'account')
    throw fault('BadParameter', `Invalid acltype: expected domain or account, found "${asked.acltype}"`);
  return {
    ...readAddressRange(range, asked.startip, asked.endip ?? asked.startip),
    aclType: aclType === 'domain' ? 'Domain' : 'Account',
    ...(asked.vlan !== undefined && { vlan: asked.vlan }),
    ...(asked.bridge !== undefined && { bridge: asked.bridge }),
  };
}
