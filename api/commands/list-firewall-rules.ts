import { listRules } from '../../db/networks.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { FIREWALL_RULE, firewallRuleView } from '../views/network.js';

export const listFirewallRules = command({
  name: 'listFirewallRules',
  description: 'Lists all firewall rules for an IP address',
  roles: EVERYONE,
  params: {
    id: p.uuid('firewallRule', { description: 'lists the rule with the specified ID' }),
    ipaddressid: p.uuid('address', { description: 'the ID of the IP address of the rules' }),
    networkid: p.uuid('network', { description: 'list rules of this network' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: FIREWALL_RULE,
  isList: true,
  async handler(ctx, params) {
    const owners = await ownersOf(ctx, params, params.id !== undefined);
    const { count, rows } = await listRules(
      ctx.db,
      { ...params, purpose: 'Firewall', owners },
      await pageOf(ctx, params),
    );
    return list(count, rows.map(firewallRuleView)); // prettier-ignore
  },
});
