import { lockRoot, queueNetworkChange } from '../../db/network-changes.js';
import { takePublicAddress } from '../../db/public-addresses.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE, type Context } from '../command.js';
import type { NetworkRow } from '../../db/rows.js';
import { actingOf, submitChange } from '../network-changes.js';
import { newOwner, type OwnershipParams } from '../ownership.js';
import { OWNER, p } from '../params.js';
import { ACQUIRED_ADDRESS } from '../views/network.js';

export const associateIpAddress = command({
  name: 'associateIpAddress',
  description: 'Acquires and associates a public IP to an account',
  roles: EVERYONE,
  isAsync: true,
  params: {
    networkid: p.uuid('network', { description: 'the network, or tier, that the address is for', access: true }),
    vpcid: p.uuid('vpc', { description: 'the VPC that the address is for', access: true }),
    zoneid: p.uuid('zone', {
      description:
        'without networkid and vpcid: the address is for the only isolated network that the account has in the zone',
    }),
    ipaddress: p.string({ description: 'a certain address; default: any that is free' }),
    isportable: p.boolean({ description: 'portable addresses are not supported' }),
    ...OWNER,
  },
  response: ACQUIRED_ADDRESS,
  async handler(ctx, asked) {
    if (asked.isportable)
      throw fault('BadParameter', 'isportable=true cannot be used: there are no portable addresses');
    const { vpcid } = asked;
    const networkid = asked.networkid ?? (vpcid === undefined ? await onlyNetwork(ctx, asked) : undefined);
    return submitChange(ctx, async (trx) => {
      const root = await lockRoot(trx, networkid !== undefined ? { networkId: networkid } : { vpcId: vpcid });
      if (networkid !== undefined && vpcid !== undefined && root.vpc?.uuid !== vpcid)
        throw fault('BadParameter', `Network ${root.network?.name} is not a tier of VPC ${vpcid}`);
      if (root.network?.guest_type === 'Shared')
        throw fault('BadParameter', `Network ${root.network.name} is shared: its machines are reached directly, it takes no public addresses`); // prettier-ignore
      const address = await takePublicAddress(trx, root, asked.ipaddress);
      return queueNetworkChange(trx, root, {
        kind: 'associateIpAddress',
        objectId: address.uuid,
        name: address.public_ip_address,
        by: actingOf(ctx),
      });
    });
  },
});

/** As in the original: an address that is asked for by zone alone is for the only isolated network that its owner has there. */
async function onlyNetwork(ctx: Context, asked: OwnershipParams & { zoneid?: string }): Promise<string> {
  if (asked.zoneid === undefined) throw fault('BadParameter', 'Give networkid, vpcid or zoneid');
  const { accountId } = await newOwner(ctx, asked);
  const networks = await ctx
    .db<NetworkRow>('networks')
    .where({ data_center_id: asked.zoneid, account_id: accountId, guest_type: 'Isolated', vpc_id: null })
    .whereNull('removed')
    .whereNot('state', 'Destroy')
    .limit(2)
    .pluck<string[]>('uuid');
  if (networks.length === 1) return networks[0]!;
  const found = networks.length === 0 ? 'has no isolated network' : 'has more than one isolated network';
  throw fault('BadParameter', `The account ${found} in the zone: give networkid or vpcid`);
}
