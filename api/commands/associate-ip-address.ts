import { lockRoot, queueNetworkChange } from '../../db/network-changes.js';
import { takePublicAddress } from '../../db/public-addresses.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, submitChange } from '../network-changes.js';
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
    zoneid: p.uuid('zone', { description: 'the zone; the network or VPC says it' }),
    ipaddress: p.string({ description: 'a certain address; default: any that is free' }),
    isportable: p.boolean({ description: 'portable addresses are not supported' }),
    ...OWNER,
  },
  response: ACQUIRED_ADDRESS,
  async handler(ctx, asked) {
    if (asked.isportable)
      throw fault('BadParameter', 'isportable=true cannot be used: there are no portable addresses');
    const { networkid, vpcid } = asked;
    if (networkid === undefined && vpcid === undefined)
      throw fault('BadParameter', 'Give networkid or vpcid: an address is acquired for a network or a VPC');
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
