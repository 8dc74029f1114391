import { lockRule } from '../../db/add-rule.js';
import { addMembers, type WantedMember } from '../../db/balancers.js';
import { queueNetworkChange } from '../../db/network-changes.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE } from '../command.js';
import { actingOf, assertRuleAccess, submitChange } from '../network-changes.js';
import { p } from '../params.js';

export const assignToLoadBalancerRule = command({
  name: 'assignToLoadBalancerRule',
  description: 'Assigns virtual machine or a list of virtual machines to a load balancer rule',
  roles: EVERYONE,
  isAsync: true,
  params: {
    id: p.uuid('loadBalancerRule', { description: 'the ID of the load balancer rule', required: true }),
    virtualmachineids: p.uuids('machine', {
      description: 'the list of IDs of the virtual machine that are being assigned to the load balancer rule',
      access: true,
    }),
    vmidipmap: p.map({
      description: 'machines with their address: vmidipmap[0].vmid=<id>, vmidipmap[0].vmip=<address>',
    }),
  },
  response: 'success',
  async handler(ctx, asked) {
    await assertRuleAccess(ctx, asked.id);
    const wanted: WantedMember[] = [
      ...(asked.virtualmachineids ?? []).map((vmId) => ({ vmId })),
      ...(asked.vmidipmap ?? []).map(({ vmid, vmip }) => ({ vmId: vmid ?? '', ...(vmip && { address: vmip }) })),
    ];
    if (wanted.length === 0)
      throw fault('BadParameter', 'Give virtualmachineids or vmidipmap: they say which machines to assign');
    return submitChange(ctx, async (trx) => {
      const { root, rule } = await lockRule(trx, asked.id, 'LoadBalancing');
      const added = await addMembers(trx, root, rule, wanted);
      return queueNetworkChange(trx, root, {
        kind: 'assignToLoadBalancerRule',
        objectId: asked.id,
        name: rule.name ?? asked.id,
        was: { added },
        by: actingOf(ctx),
      });
    });
  },
});
