import { readRoleOfferings, sizeOf } from '../../db/cluster-facts.js';
import type { ClusterRow, ServiceOfferingRow, VersionRow } from '../../db/rows.js';
import { fault } from '../../workflows/model/fault.js';
import { checkScale, type ScaleWish } from '../../workflows/model/scale-rules.js';
import { NODE_TYPES } from '../../workflows/model/create-rules.js';
import { command, EVERYONE, type Context } from '../command.js';
import { assertManaged, assertNoneHalfMade, changeCluster, PLAN_PARAMS } from '../lifecycle.js';
import { p } from '../params.js';
import { CLUSTER } from '../views/cluster.js';

const params = {
  id: p.uuid('cluster', { description: 'the ID of the Kubernetes cluster', required: true }),
  serviceofferingid: p.uuid('serviceOffering', { description: 'new service offering of all nodes', access: true }),
  nodeofferings: p.map({
    description: 'offering per node type: nodeofferings[0].node=control|worker|etcd, nodeofferings[0].offering=<id>',
    since: '4.21.0',
  }),
  size: p.long({ description: 'number of worker nodes, those that you added included' }),
  nodeids: p.uuids('machine', { description: 'the IDs of the nodes to be removed' }),
  autoscalingenabled: p.boolean({ description: 'whether autoscaling is on' }),
  minsize: p.long({ description: 'minimum number of workers of autoscaling' }),
  maxsize: p.long({ description: 'maximum number of workers of autoscaling' }),
  ...PLAN_PARAMS,
};

/** Changes the number of workers, the offerings, or autoscaling (`api.md` §2.7). */
export const scaleKubernetesCluster = command({
  name: 'scaleKubernetesCluster',
  description: 'Scales a created, running or stopped Kubernetes cluster',
  roles: EVERYONE,
  isAsync: true,
  kubernetes: true,
  params,
  response: CLUSTER,
  handler: (ctx, asked) =>
    changeCluster(ctx, asked, async (cluster, facts, settings) => {
      assertManaged(cluster, 'scaleKubernetesCluster');
      await assertNoneHalfMade(ctx, cluster);
      const wish: ScaleWish = {
        ...(asked.size !== undefined && { size: asked.size }),
        machineIds: asked.nodeids ?? [],
        offerings: await offeringsOf(ctx, asked),
        ...(asked.autoscalingenabled !== undefined && { autoscaling: asked.autoscalingenabled }),
        ...(asked.minsize !== undefined && { min: asked.minsize }),
        ...(asked.maxsize !== undefined && { max: asked.maxsize }),
      };
      const checked = checkScale(wish, {
        state: cluster.state,
        nodes: facts.nodes,
        version: await versionOf(ctx, cluster),
        current: await readRoleOfferings(ctx.db, cluster),
        maxSize: settings['cloud.kubernetes.cluster.max.size'],
        endpointUrl: settings['endpoint.url'],
      });
      if ('refusal' in checked) throw fault('Refused', checked.refusal);
      return { kind: cluster.state === 'Stopped' ? 'scaleStopped' : 'scale', request: checked.request };
    }),
});

async function offeringsOf(
  ctx: Context,
  asked: { serviceofferingid?: string | undefined; nodeofferings?: Record<string, string>[] | undefined },
): Promise<ScaleWish['offerings']> {
  const wanted: [string, string][] = (asked.nodeofferings ?? []).map(({ node, offering }) => {
    if (!node || !offering || !(NODE_TYPES as readonly string[]).includes(node.toLowerCase()))
      throw fault(
        'Refused',
        `nodeofferings: every entry needs node (control, worker or etcd) and offering, found node=${node ?? ''} offering=${offering ?? ''}`,
      );
    return [node.toLowerCase(), offering];
  });
  if (asked.serviceofferingid !== undefined) wanted.push(['default', asked.serviceofferingid]);
  const rows = await ctx
    .db<ServiceOfferingRow>('service_offering')
    .whereIn(
      'uuid',
      wanted.map(([, id]) => id),
    )
    .whereNull('removed');
  return Object.fromEntries(
    wanted.map(([type, id]) => {
      const row = rows.find(({ uuid }) => uuid === id);
      if (!row) throw fault('Refused', `There is no service offering ${id}`);
      if (row.state !== 'Active')
        throw fault('Refused', `Service offering ${row.name} is ${row.state}: choose another one`);
      return [type, sizeOf(row)];
    }),
  );
}

async function versionOf(ctx: Context, cluster: ClusterRow) {
  const row = await ctx
    .db<VersionRow>('kubernetes_supported_version')
    .where({ uuid: cluster.kubernetes_version_id ?? '' })
    .first();
  return row && { name: row.name, semantic: row.semantic_version, minCpu: row.min_cpu, minRamMb: row.min_ram_size };
}
