import { lockRule } from '../../db/add-rule.js';
import { queueNetworkChange } from '../../db/network-changes.js';
import { turnRules } from '../../db/network-effects.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, assertRuleAccess, submitChange } from '../network-changes.js';
import { p } from '../params.js';

export const deleteLoadBalancerRule = command({
  name: 'deleteLoadBalancerRule',
  description: 'Deletes a load balancer rule',
  roles: EVERYONE,
  isAsync: true,
  params: { id: p.uuid('loadBalancerRule', { description: 'the ID of the rule', required: true }) },
  response: 'success',
  async handler(ctx, { id }) {
    await assertRuleAccess(ctx, id);
    return submitChange(ctx, async (trx) => {
      const { root, rule } = await lockRule(trx, id, 'LoadBalancing');
      await turnRules(trx, [id], rule.state, 'Revoke');
      const name = rule.name ?? `${rule.protocol} ${rule.start_port}-${rule.end_port}`;
      return queueNetworkChange(trx, root, { kind: 'deleteLoadBalancerRule', objectId: id, name, by: actingOf(ctx) });
    });
  },
});
