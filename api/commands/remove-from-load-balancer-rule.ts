import { lockRule } from '../../db/add-rule.js';
import { removeMembers } from '../../db/balancers.js';
import { queueNetworkChange } from '../../db/network-changes.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, assertRuleAccess, submitChange } from '../network-changes.js';
import { p } from '../params.js';

export const removeFromLoadBalancerRule = command({
  name: 'removeFromLoadBalancerRule',
  description: 'Removes a virtual machine or a list of virtual machines from a load balancer rule',
  roles: EVERYONE,
  isAsync: true,
  params: {
    id: p.uuid('loadBalancerRule', { description: 'the ID of the load balancer rule', required: true }),
    virtualmachineids: p.uuids('machine', {
      description: 'the list of IDs of the virtual machines that are being removed from the load balancer rule',
    }),
    vmidipmap: p.map({
      description: 'machines with their address: vmidipmap[0].vmid=<id>, vmidipmap[0].vmip=<address>',
    }),
  },
  response: 'success',
  async handler(ctx, asked) {
    await assertRuleAccess(ctx, asked.id);
    const removed = [
      ...new Set([...(asked.virtualmachineids ?? []), ...(asked.vmidipmap ?? []).map(({ vmid }) => vmid ?? '')]),
    ];
    if (removed.length === 0)
      throw fault('BadParameter', 'Give virtualmachineids or vmidipmap: they say which machines to take out');
    return submitChange(ctx, async (trx) => {
      const { root, rule } = await lockRule(trx, asked.id, 'LoadBalancing');
      await removeMembers(trx, rule, removed);
      return queueNetworkChange(trx, root, {
        kind: 'removeFromLoadBalancerRule',
        objectId: asked.id,
        name: rule.name ?? asked.id,
        was: { removed },
        by: actingOf(ctx),
      });
    });
  },
});
