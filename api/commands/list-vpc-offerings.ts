import { listVpcOfferings } from '../../db/vpcs.js';
import { command, EVERYONE, list } from '../command.js';
import { pageOf } from '../paging.js';
import { p, PAGING } from '../params.js';
import { VPC_OFFERING, vpcOfferingView } from '../views/vpc.js';

export const listVPCOfferings = command({
  name: 'listVPCOfferings',
  description: 'Lists VPC offerings',
  roles: EVERYONE,
  params: {
    id: p.uuid('vpcOffering', { description: 'list VPC offerings by id' }),
    name: p.string({ description: 'list VPC offerings by name' }),
    state: p.string({ description: 'list VPC offerings by state' }),
    zoneid: p.uuid('zone', { description: 'list VPC offerings available in the zone; all are in every zone' }),
    ...PAGING,
  },
  response: VPC_OFFERING,
  isList: true,
  async handler(ctx, params) {
    const { count, rows } = await listVpcOfferings(ctx.db, params, await pageOf(ctx, params));
    return list(count, rows.map(vpcOfferingView)); // prettier-ignore
  },
});
