import { lockRoot, queueNetworkChange } from '../../db/network-changes.js';
import { takePublicAddress } from '../../db/public-addresses.js';
import { addVpc } from '../../db/vpcs.js';
import { fault } from '../../workflows/model/fault.js';
import { cidrsOverlap, isCidr, wholeCidr } from '../../workflows/model/network-rules.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, submitChange } from '../network-changes.js';
import { newOwner } from '../ownership.js';
import { OWNER, p } from '../params.js';
import { VPC } from '../views/vpc.js';

/** A VPC has its source NAT address from the start; a gateway has it from the first cluster or machine in one of its tiers on. */
export const createVPC = command({
  name: 'createVPC',
  description: 'Creates a VPC',
  roles: EVERYONE,
  isAsync: true,
  params: {
    name: p.string({ description: 'the name of the VPC', required: true }),
    displaytext: p.string({ description: 'the display text of the VPC; default: its name' }),
    cidr: p.string({ description: 'the cidr of the VPC: all its tiers are within it', required: true }),
    vpcofferingid: p.uuid('vpcOffering', { description: 'the ID of the VPC offering', required: true }),
    zoneid: p.uuid('zone', { description: 'the ID of the availability zone', required: true }),
    networkdomain: p.string({ description: 'VPC network domain', length: 191 }),
    start: p.boolean({ description: 'ignored: a VPC starts with its first tier in use' }),
    ...OWNER,
  },
  response: VPC,
  async handler(ctx, asked) {
    const owner = await newOwner(ctx, asked);
    const bits = Number(asked.cidr.split('/')[1]);
    if (!isCidr(asked.cidr) || bits < 8 || bits > 28 || wholeCidr(asked.cidr) !== asked.cidr)
      throw fault('BadParameter', `Invalid cidr: expected a whole network from /8 to /28 such as 10.1.0.0/16, found "${asked.cidr}"`); // prettier-ignore
    if (['127.0.0.0/8', '224.0.0.0/3', '0.0.0.0/8'].some((reserved) => cidrsOverlap(asked.cidr, reserved)))
      throw fault(
        'BadParameter',
        `Invalid cidr ${asked.cidr}: loopback, multicast and reserved addresses cannot be used`,
      );
    return submitChange(ctx, async (trx) => {
      const vpcId = await addVpc(trx, {
        name: asked.name,
        displayText: asked.displaytext ?? asked.name,
        zoneId: asked.zoneid,
        offeringId: asked.vpcofferingid,
        cidr: asked.cidr,
        owner,
        ...(asked.networkdomain !== undefined && { networkDomain: asked.networkdomain }),
      });
      const root = await lockRoot(trx, { vpcId });
      await takePublicAddress(trx, root);
      return queueNetworkChange(trx, root, { kind: 'createVPC', objectId: vpcId, name: asked.name, by: actingOf(ctx) });
    });
  },
});
