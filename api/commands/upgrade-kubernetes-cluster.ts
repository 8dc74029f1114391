import { isImageReady } from '../../db/images.js';
import type { ServiceOfferingRow, TemplateRow, VersionRow } from '../../db/rows.js';
import { fault } from '../../workflows/model/fault.js';
import { refuseUpgrade } from '../../workflows/model/upgrade-rules.js';
import { command, EVERYONE } from '../command.js';
import { assertManaged, assertNoneHalfMade, changeCluster, PLAN_PARAMS } from '../lifecycle.js';
import { p } from '../params.js';
import { CLUSTER } from '../views/cluster.js';

/** Brings a running cluster to a later patch or to the next minor (`api.md` §2.8). To the version that it has: succeeds without work. */
export const upgradeKubernetesCluster = command({
  name: 'upgradeKubernetesCluster',
  description: 'Upgrades a running Kubernetes cluster',
  roles: EVERYONE,
  isAsync: true,
  kubernetes: true,
  params: {
    id: p.uuid('cluster', { description: 'the ID of the Kubernetes cluster', required: true }),
    kubernetesversionid: p.uuid('version', {
      description: 'the ID of the Kubernetes version to upgrade to',
      required: true,
    }),
    ...PLAN_PARAMS,
  },
  response: CLUSTER,
  handler: (ctx, asked) =>
    changeCluster(ctx, asked, async (cluster, facts, settings) => {
      assertManaged(cluster, 'upgradeKubernetesCluster');
      if (cluster.state !== 'Running')
        throw fault(
          'Refused',
          `Kubernetes cluster ${cluster.name} is ${cluster.state}: an upgrade needs it to be Running`,
        );
      await assertNoneHalfMade(ctx, cluster);
      const version = await ctx
        .db<VersionRow>('kubernetes_supported_version')
        .where({ uuid: asked.kubernetesversionid })
        .first();
      const iso = await ctx
        .db<TemplateRow>('vm_template')
        .where({ uuid: version?.iso_id ?? '' })
        .first();
      const offerings = await ctx.db<ServiceOfferingRow>('service_offering').whereIn(
        'uuid',
        facts.nodes.filter(({ external }) => !external).map(({ offeringId }) => offeringId),
      );
      const refusal = refuseUpgrade({
        endpointUrl: settings['endpoint.url'],
        current: facts.version,
        target: facts.target,
        wanted: version && {
          id: version.uuid, name: version.name, semantic: version.semantic_version, enabled: version.state === 'Enabled', isoReady: iso !== undefined && (await isImageReady(ctx.db, iso, cluster.zone_id)),
          minCpu: version.min_cpu, minRamMb: version.min_ram_size, removed: version.removed !== null,
        }, // prettier-ignore
        offerings: offerings.map(({ name, cpu, ram_size }) => ({ name, cpus: cpu, ramMb: ram_size })),
      });
      if (refusal !== undefined) throw fault('Refused', refusal);
      return {
        kind: 'upgrade',
        request: { version: { id: version!.uuid, semantic: version!.semantic_version } },
      };
    }),
});
