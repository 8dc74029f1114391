import { listAclItems } from '../../db/acls.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { aclItemView, NETWORK_ACL } from '../views/vpc.js';

export const listNetworkACLs = command({
  name: 'listNetworkACLs',
  description: 'Lists all network ACL items, in the order in which they are tried',
  roles: EVERYONE,
  params: {
    id: p.uuid('networkAclItem', { description: 'Lists network ACL Item with the specified ID' }),
    aclid: p.uuid('networkAcl', { description: 'list network ACL items by ACL ID' }),
    networkid: p.uuid('network', { description: 'list network ACL items by network ID' }),
    protocol: p.string({ description: 'list network ACL items by protocol' }),
    traffictype: p.string({ description: 'list network ACL items by traffic type: Ingress or Egress' }),
    action: p.string({ description: 'list network ACL items by action: Allow or Deny' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: NETWORK_ACL,
  isList: true,
  async handler(ctx, params) {
    const owners = await ownersOf(ctx, params, params.id !== undefined);
    const { count, rows } = await listAclItems(ctx.db, { ...params, owners }, await pageOf(ctx, params));
    return list(count, rows.map(aclItemView)); // prettier-ignore
  },
});
