import { listMemberIds } from '../../db/balancers.js';
import { listMachines } from '../../db/machines.js';
import type { FirewallRuleRow } from '../../db/rows.js';
import { bare, command, EVERYONE, list, responseObject } from '../command.js';
import { assertRuleAccess } from '../network-changes.js';
import { pageOf } from '../paging.js';
import { p, PAGING } from '../params.js';
import { MACHINE, machineView } from '../views/machine.js';

export const listLoadBalancerRuleInstances = command({
  name: 'listLoadBalancerRuleInstances',
  description: 'List all virtual machine instances that are assigned to a load balancer rule',
  roles: EVERYONE,
  params: {
    id: p.uuid('loadBalancerRule', { description: 'the ID of the load balancer rule', required: true }),
    applied: p.boolean({
      description: 'true, the default: machines that are assigned; false: those of the network that could be',
    }),
    lbvmips: p.boolean({ description: 'true: each machine with its address, below the key lbrulevmidip' }),
    ...PAGING,
  },
  response: { ...responseObject('loadbalancerruleinstance', {}), fields: MACHINE.fields },
  isList: true,
  async handler(ctx, asked) {
    await assertRuleAccess(ctx, asked.id);
    const rule = await ctx.db<FirewallRuleRow>('firewall_rules').where({ uuid: asked.id }).first();
    const ids = rule ? await listMemberIds(ctx.db, rule, asked.applied ?? true) : [];
    if (ids.length === 0) return list(0, []);
    const { count, rows } = await listMachines(ctx.db, { ids, owners: { kind: 'all' } }, await pageOf(ctx, asked));
    const machines = rows.map((row) => machineView(row, ctx.caller.role === 'A'));
    if (!asked.lbvmips) return list(count, machines);
    const lbrulevmidip = machines.map((machine, i) => ({
      lbvmipaddresses: [rows[i]?.ip_address].filter((address) => typeof address === 'string'),
      loadbalancerruleinstance: machine,
    }));
    return bare({ count, ...(lbrulevmidip.length > 0 && { lbrulevmidip }) });
  },
});
