import { listRules } from '../../db/networks.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { PORT_FORWARDING_RULE, portForwardingRuleView } from '../views/network.js';

export const listPortForwardingRules = command({
  name: 'listPortForwardingRules',
  description: 'Lists all port forwarding rules for an IP address',
  roles: EVERYONE,
  params: {
    id: p.uuid('portForwardingRule', { description: 'lists the rule with the specified ID' }),
    ipaddressid: p.uuid('address', { description: 'the ID of the IP address of the rules' }),
    networkid: p.uuid('network', { description: 'list rules of this network' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: PORT_FORWARDING_RULE,
  isList: true,
  async handler(ctx, params) {
    const owners = await ownersOf(ctx, params, params.id !== undefined);
    const { count, rows } = await listRules(
      ctx.db,
      { ...params, purpose: 'PortForwarding', owners },
      await pageOf(ctx, params),
    );
    return list(count, rows.map(portForwardingRuleView)); // prettier-ignore
  },
});
