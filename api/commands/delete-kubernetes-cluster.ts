import { readCluster } from '../../db/clusters.js';
import { transact, type Db } from '../../db/knex.js';
import { queueMemberDestroys } from '../../db/members.js';
import { queueOperation } from '../../db/operations.js';
import type { ClusterRow } from '../../db/rows.js';
import type { ClusterFacts } from '../../workflows/model/operation.js';
import { readClusterFacts } from '../../db/cluster-facts.js';
import { deleteClusterSteps } from '../../workflows/steps/delete-cluster.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE, job, type Answer } from '../command.js';
import { failedJob } from '../failed-job.js';
import { mayAccess } from '../ownership.js';
import { callerOf, limitOf, startMachineRuns } from '../machines.js';
import { startQueued } from '../operations.js';
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
    /** What is wrong with the request is the job's failure; with `dryrun` it is the answer. */
    const refused = async (text: string): Promise<Answer> => {
      if (asked.dryrun) throw fault('Refused', text);
      return job(await failedJob(ctx, text));
    };
    if (!cluster || cluster.removed !== null)
      return refused(`Invalid Kubernetes cluster id ${asked.id}: the cluster was deleted`);
    if (!(await mayAccess(ctx.db, ctx.caller, cluster.account_id)))
      return refused('Caller does not have permission to operate with provided resource.');
    if (asked.expunge && cluster.cluster_type === 'ExternalManaged' && ctx.caller.role === 'U')
      return refused('Parameter expunge can be passed by administrators only: use cleanup');
    const facts = await readClusterFacts(ctx.db, cluster);
    const blockers = await readBlockers(ctx.db, cluster, facts);
    if (blockers.length > 0)
      return refused(
        `The network of cluster ${cluster.name} goes with it, and these machines are still on it: ${blockers.join(', ')}; remove them first`,
      );
    const settings = await ctx.settings(cluster.account_id);
    const planned = planAnswer(deleteClusterSteps(facts, settings), asked);
    if (planned) return planned;
    const caller = callerOf(ctx);
    const limitSeconds = await limitOf(ctx, 'destroy');
    const { members, queued } = await transact(ctx.db, async (trx) => ({
      members: asked.cleanup || asked.expunge ? await queueMemberDestroys(trx, cluster, caller, limitSeconds) : [],
      queued: await queueOperation(trx, {
        kind: 'delete',
        cluster,
        caller,
        settings,
        takeOver: true,
        command: ctx.command.name,
      }),
    }));
    await startMachineRuns(ctx, members);
    await startQueued(ctx, queued);
    return job(queued.jobId);
  },
});

/** Machines that are not the cluster's own, on a network that would go with it (`behaviour.md` §7.3 17). */
async function readBlockers(db: Db, cluster: ClusterRow, facts: ClusterFacts): Promise<string[]> {
  if (!facts.networkOwned || cluster.network_id === null) return [];
  const machines = await db('vm_instance')
    .where({ network_id: cluster.network_id })
    .whereNull('removed')
    .select<{ uuid: string; name: string }[]>('uuid', 'name');
  const own = new Set(facts.nodes.filter(({ external }) => !external).map(({ machineId }) => machineId));
  return machines.filter(({ uuid }) => !own.has(uuid)).map(({ name }) => name);
}
