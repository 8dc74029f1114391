import { lockRule } from '../../db/add-rule.js';
import { queueNetworkChange } from '../../db/network-changes.js';
import { readAlgorithm } from '../../workflows/model/network-rules.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, assertRuleAccess, submitChange } from '../network-changes.js';
import { p } from '../params.js';
import { LOAD_BALANCER } from '../views/network.js';

export const updateLoadBalancerRule = command({
  name: 'updateLoadBalancerRule',
  description: 'Updates load balancer',
  roles: EVERYONE,
  isAsync: true,
  params: {
    id: p.uuid('loadBalancerRule', { description: 'the ID of the load balancer rule to update', required: true }),
    name: p.string({ description: 'the name of the load balancer rule', length: 100 }),
    description: p.string({ description: 'the description of the load balancer rule' }),
    algorithm: p.string({ description: 'load balancer algorithm: source, roundrobin, leastconn' }),
  },
  response: LOAD_BALANCER,
  async handler(ctx, asked) {
    const algorithm = asked.algorithm === undefined ? undefined : readAlgorithm(asked.algorithm);
    await assertRuleAccess(ctx, asked.id);
    return submitChange(ctx, async (trx) => {
      const { root, rule } = await lockRule(trx, asked.id, 'LoadBalancing');
      await trx('firewall_rules')
        .where({ uuid: asked.id })
        .update({
          name: asked.name ?? rule.name,
          description: asked.description ?? rule.description,
          algorithm: algorithm ?? rule.algorithm,
        });
      return queueNetworkChange(trx, root, {
        kind: 'updateLoadBalancerRule',
        objectId: asked.id,
        name: rule.name ?? asked.id,
        was: { algorithm: rule.algorithm, name: rule.name, description: rule.description },
        by: actingOf(ctx),
      });
    });
  },
});
