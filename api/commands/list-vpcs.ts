import { listVpcs } from '../../db/vpcs.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { VPC, vpcView } from '../views/vpc.js';

export const listVPCs = command({
  name: 'listVPCs',
  description: 'Lists VPCs',
  roles: EVERYONE,
  params: {
    id: p.uuid('vpc', { description: 'list VPC by id' }),
    name: p.string({ description: 'list by name of the VPC' }),
    zoneid: p.uuid('zone', { description: 'list by zone' }),
    vpcofferingid: p.uuid('vpcOffering', { description: 'list by ID of the VPC offering' }),
    state: p.string({ description: 'list VPCs by state' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: VPC,
  isList: true,
  async handler(ctx, params) {
    const owners = await ownersOf(ctx, params, params.id !== undefined);
    const { count, rows } = await listVpcs(ctx.db, { ...params, owners }, await pageOf(ctx, params));
    return list(count, rows.map(vpcView)); // prettier-ignore
  },
});
