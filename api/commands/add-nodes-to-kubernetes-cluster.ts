import { activeChange } from '../../db/machine-changes.js';
import { readHostRooms } from '../../db/rooms.js';
import type { TemplateRow, VmMapRow, VmRow } from '../../db/rows.js';
import { fault } from '../../workflows/model/fault.js';
import { brokenGroup, type HostRoom } from '../../workflows/model/placement.js';
import { command, EVERYONE, type Context } from '../command.js';
import { assertManaged, changeCluster, PLAN_PARAMS } from '../lifecycle.js';
import { mayAccess } from '../ownership.js';
import { p } from '../params.js';
import { CLUSTER } from '../views/cluster.js';

/** Takes machines that users made in as workers (`api.md` §2.10). */
export const addNodesToKubernetesCluster = command({
  name: 'addNodesToKubernetesCluster',
  description: 'Adds machines as worker nodes to a Kubernetes cluster',
  since: '4.21.0',
  roles: EVERYONE,
  isAsync: true,
  kubernetes: true,
  params: {
    id: p.uuid('cluster', { description: 'the ID of the Kubernetes cluster', required: true }),
    nodeids: p.uuids('machine', { description: 'the IDs of the machines to be added', required: true }),
    mountcksisoonvr: p.boolean({ description: 'accepted and not needed: the medium is attached to the machine' }),
    manualupgrade: p.boolean({ description: 'leave the nodes out when the cluster is upgraded' }),
    ...PLAN_PARAMS,
  },
  response: CLUSTER,
  handler: (ctx, asked) =>
    changeCluster(ctx, asked, async (cluster) => {
      assertManaged(cluster, 'addNodesToKubernetesCluster');
      const problems: string[] = [];
      const machineIds: string[] = [];
      const rooms = await readHostRooms(ctx.db, {
        zoneId: cluster.zone_id, clusterId: cluster.uuid, accountId: cluster.account_id, domainId: cluster.domain_id,
      }); // prettier-ignore
      for (const id of new Set(asked.nodeids)) {
        const problem = await problemOf(ctx, id, cluster.network_id ?? '', rooms);
        if (problem === undefined) machineIds.push(id);
        else problems.push(problem);
      }
      if (machineIds.length === 0)
        throw fault('Refused', `None of the machines can be added to cluster ${cluster.name}: ${problems.join('; ')}`);
      return { kind: 'addNodes', request: { machineIds, manualUpgrade: asked.manualupgrade ?? false } };
    }),
});

/** Why a machine cannot be a node; undefined when it can, as far as rows know. */
async function problemOf(
  ctx: Context,
  id: string,
  networkId: string,
  rooms: readonly HostRoom[],
): Promise<string | undefined> {
  const vm = await ctx.db<VmRow>('vm_instance').where({ uuid: id }).whereNull('removed').first();
  if (!vm || !(await mayAccess(ctx.db, ctx.caller, vm.account_id))) return `there is no machine ${id}`;
  const member = await ctx.db<VmMapRow>('kubernetes_cluster_vm_map').where({ vm_id: id }).first();
  if (member) return `${vm.name} is a node of a cluster already`;
  const template = await ctx.db<TemplateRow>('vm_template').where({ uuid: vm.template_id }).first();
  if (template && template.for_cks !== 1)
    return `${vm.name} was made from ${template.name}, which is not marked for CKS (forcks)`;
  if (vm.host_id === null)
    return `${vm.name} is a physical machine: it has no drive that the version medium could be put in, and cannot be added yet`;
  const change = await activeChange(ctx.db, id);
  if (change) return `${vm.name} is being changed (${change.kind}): wait for its job`;
  if (vm.network_id !== networkId) return `${vm.name} is not in the network of the cluster`;
  if (vm.state !== 'Running') return `${vm.name} is ${vm.state}: it must be Running`;
  const broken = brokenGroup(rooms, vm.host_id, 'worker');
  return broken && `${vm.name} is on a host where workers of the cluster may not be: ${broken}`;
}
