import { listAcls } from '../../db/acls.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { aclListView, NETWORK_ACL_LIST } from '../views/vpc.js';

export const listNetworkACLLists = command({
  name: 'listNetworkACLLists',
  description: 'Lists all network ACLs',
  roles: EVERYONE,
  params: {
    id: p.uuid('networkAcl', { description: 'Lists network ACL with the specified ID.' }),
    name: p.string({ description: 'list network ACLs by specified name' }),
    vpcid: p.uuid('vpc', { description: 'list network ACLs by VPC ID, the built-in ones included' }),
    networkid: p.uuid('network', { description: 'list network ACLs by network ID' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: NETWORK_ACL_LIST,
  isList: true,
  async handler(ctx, params) {
    const owners = await ownersOf(ctx, params, params.id !== undefined);
    const { count, rows } = await listAcls(ctx.db, { ...params, owners }, await pageOf(ctx, params));
    return list(count, rows.map(aclListView)); // prettier-ignore
  },
});
