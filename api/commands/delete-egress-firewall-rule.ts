import { revokeEgressRule } from '../../db/egress-rules.js';
import { queueNetworkChange } from '../../db/network-changes.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, assertRuleAccess, submitChange } from '../network-changes.js';
import { p } from '../params.js';

export const deleteEgressFirewallRule = command({
  name: 'deleteEgressFirewallRule',
  description: 'Deletes an egress firewall rule',
  roles: EVERYONE,
  isAsync: true,
  params: { id: p.uuid('egressFirewallRule', { description: 'the ID of the rule', required: true }) },
  response: 'success',
  async handler(ctx, { id }) {
    await assertRuleAccess(ctx, id, 'egress_firewall_rules');
    return submitChange(ctx, async (trx) => {
      const { root, rule } = await revokeEgressRule(trx, id);
      const name = `${rule.protocol} out of ${root.network?.name}`;
      return queueNetworkChange(trx, root, { kind: 'deleteEgressFirewallRule', objectId: id, name, by: actingOf(ctx) });
    });
  },
});
