import { listRules } from '../../db/networks.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { LOAD_BALANCER_RULE, loadBalancerRuleView } from '../views/network.js';

export const listLoadBalancerRules = command({
  name: 'listLoadBalancerRules',
  description: 'Lists load balancer rules',
  roles: EVERYONE,
  params: {
    id: p.uuid('loadBalancerRule', { description: 'the ID of the load balancer rule' }),
    name: p.string({ description: 'the name of the load balancer rule' }),
    publicipid: p.uuid('address', { description: 'the public IP address ID of the load balancer rule' }),
    virtualmachineid: p.uuid('machine', { description: 'list rules that the machine is assigned to' }),
    networkid: p.uuid('network', { description: 'list rules of this network' }),
    zoneid: p.uuid('zone', { description: 'the availability zone ID' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: LOAD_BALANCER_RULE,
  isList: true,
  async handler(ctx, params) {
    const owners = await ownersOf(ctx, params, params.id !== undefined);
    const filter = { ...params, ipaddressid: params.publicipid, purpose: 'LoadBalancing' as const, owners };
    const { count, rows } = await listRules(ctx.db, filter, await pageOf(ctx, params));
    return list(count, rows.map(loadBalancerRuleView)); // prettier-ignore
  },
});
