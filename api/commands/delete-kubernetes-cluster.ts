import { readCluster } from '../../db/clusters.js';
import { readClusterFacts } from '../../db/operations.js';
import { fault } from '../../workflows/model/fault.js';
import { deleteClusterSteps } from '../../workflows/steps/delete-cluster.js';
import { command, EVERYONE, job } from '../command.js';
import { failedJob } from '../failed-job.js';
import { mayAccess } from '../ownership.js';
import { submit } from '../operations.js';
import { p } from '../params.js';
import { PLAN_PARAMS_TEXT, planAnswer } from '../plan-answer.js';

/** Deletes a cluster from any state; an operation that holds it is ended first, at its next safe point. */
export const deleteKubernetesCluster = command({
  name: 'deleteKubernetesCluster',
  description: 'Deletes a Kubernetes cluster',
  roles: EVERYONE,
  isAsync: true,
  kubernetes: true,
  params: {
    id: p.uuid('cluster', { description: 'the ID of the Kubernetes cluster', required: true }),
    cleanup: p.boolean({
      description: 'ExternalManaged only: also destroy the member machines; default false',
      since: '4.19.0',
    }),
    expunge: p.boolean({
      description: 'ExternalManaged only: destroy and expunge the member machines; default false',
      since: '4.19.0',
    }),
    dryrun: p.boolean({ description: PLAN_PARAMS_TEXT.dryrun }),
    planhash: p.string({ description: PLAN_PARAMS_TEXT.planhash }),
  },
  response: 'success',
  async handler(ctx, asked) {
    const cluster = await readCluster(ctx.db, asked.id);
    if (!cluster || cluster.removed !== null)
      return job(await failedJob(ctx, `Invalid Kubernetes cluster id ${asked.id}: the cluster was deleted`));
    if (!(await mayAccess(ctx.db, ctx.caller, cluster.account_id)))
      return job(await failedJob(ctx, 'Caller does not have permission to operate with provided resource.'));
    if (asked.cleanup || asked.expunge) {
      if (cluster.cluster_type === 'ExternalManaged')
        throw fault('Refused', 'cleanup and expunge cannot be used with this release: see docs/compatibility.md');
    }
    const settings = await ctx.settings(cluster.account_id);
    const planned = planAnswer(deleteClusterSteps(await readClusterFacts(ctx.db, cluster), settings), asked);
    if (planned) return planned;
    const queued = await submit(ctx, {
      kind: 'delete',
      cluster,
      settings,
      takeOver: true,
      command: 'deleteKubernetesCluster',
    });
    return job(queued.jobId);
  },
});
