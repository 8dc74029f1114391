import { addMembers } from '../../db/members.js';
import type { VmRow } from '../../db/rows.js';
import { command, EVERYONE, success } from '../command.js';
import { externalCluster } from '../external-cluster.js';
import { assertAccess } from '../ownership.js';
import { p } from '../params.js';

export const addVirtualMachinesToKubernetesCluster = command({
  name: 'addVirtualMachinesToKubernetesCluster',
  description: 'Shows machines with an ExternalManaged Kubernetes cluster as its nodes',
  since: '4.19.0',
  roles: EVERYONE,
  kubernetes: true,
  params: {
    id: p.uuid('cluster', { description: 'the ID of the Kubernetes cluster', required: true }),
    virtualmachineids: p.uuids('machine', { description: 'the IDs of the machines', required: true }),
    iscontrolnode: p.boolean({ description: 'true: they are control nodes; default false' }),
  },
  response: 'success',
  async handler(ctx, asked) {
    const cluster = await externalCluster(ctx, asked.id);
    const machines = await ctx.db<VmRow>('vm_instance').whereIn('uuid', asked.virtualmachineids).select('account_id');
    for (const owner of new Set(machines.map(({ account_id }) => account_id))) await assertAccess(ctx, owner);
    await addMembers(ctx.db, cluster, asked.virtualmachineids, asked.iscontrolnode === true);
    return success();
  },
});
