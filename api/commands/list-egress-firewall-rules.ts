import { listEgressRules } from '../../db/networks.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { egressRuleView, FIREWALL_RULE } from '../views/network.js';

export const listEgressFirewallRules = command({
  name: 'listEgressFirewallRules',
  description: 'Lists all egress firewall rules for network ID',
  roles: EVERYONE,
  params: {
    id: p.uuid('egressFirewallRule', { description: 'lists the rule with the specified ID' }),
    networkid: p.uuid('network', { description: 'list rules of this network' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: FIREWALL_RULE,
  isList: true,
  async handler(ctx, params) {
    const owners = await ownersOf(ctx, params, params.id !== undefined);
    const { count, rows } = await listEgressRules(ctx.db, { ...params, owners }, await pageOf(ctx, params));
    return list(count, rows.map(egressRuleView)); // prettier-ignore
  },
});
