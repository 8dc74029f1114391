import { lockRule } from '../../db/add-rule.js';
import { queueNetworkChange } from '../../db/network-changes.js';
import { turnRules } from '../../db/network-effects.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, assertRuleAccess, submitChange } from '../network-changes.js';
import { p } from '../params.js';

export const deletePortForwardingRule = command({
  name: 'deletePortForwardingRule',
  description: 'Deletes a port forwarding rule',
  roles: EVERYONE,
  isAsync: true,
  params: { id: p.uuid('portForwardingRule', { description: 'the ID of the rule', required: true }) },
  response: 'success',
  async handler(ctx, { id }) {
    await assertRuleAccess(ctx, id);
    return submitChange(ctx, async (trx) => {
      const { root, rule } = await lockRule(trx, id, 'PortForwarding');
      await turnRules(trx, [id], rule.state, 'Revoke');
      const name = rule.name ?? `${rule.protocol} ${rule.start_port}-${rule.end_port}`;
      return queueNetworkChange(trx, root, { kind: 'deletePortForwardingRule', objectId: id, name, by: actingOf(ctx) });
    });
  },
});
