import { readClusterFacts } from '../db/cluster-facts.js';
import { readCluster } from '../db/clusters.js';
import { leftHalfMadeBy } from '../db/nodes.js';
import type { ClusterRow } from '../db/rows.js';
import { fault, textOf } from '../workflows/model/fault.js';
import type { ClusterFacts, OperationRequest } from '../workflows/model/operation.js';
import { quorumWarnings } from '../workflows/model/quorum.js';
import type { Settings } from '../workflows/model/settings.js';
import { mayBegin, OPERATIONS, type OperationKind } from '../workflows/model/states.js';
import { LISTS } from '../workflows/steps/lists.js';
import { finishedJob } from '../db/finished-job.js';
import { job, type Answer, type Context } from './command.js';
import { failedJob } from './failed-job.js';
import { submit } from './operations.js';
import { mayAccess } from './ownership.js';
import { p } from './params.js';
import { PLAN_PARAMS_TEXT, planAnswer } from './plan-answer.js';

export const PLAN_PARAMS = {
  dryrun: p.boolean({ description: PLAN_PARAMS_TEXT.dryrun }),
  planhash: p.string({ description: PLAN_PARAMS_TEXT.planhash }),
};

export interface Asked {
  id?: string | undefined;
  dryrun?: boolean | undefined;
  planhash?: string | undefined;
}

/** What a command makes of a cluster: an operation, or nothing because it is as wanted already. */
export type Wanted = { kind: OperationKind; request?: OperationRequest } | { done: object };

/**
 * One changing command on a cluster: looks it up, lets `decide` say what is to be done, answers with the plan or a job. What is wrong with
 * the request is the job's failure with 530 (`api.md` §2.2); with `dryrun` it is the answer.
 */
export async function changeCluster(
  ctx: Context,
  asked: Asked,
  decide: (cluster: ClusterRow, facts: ClusterFacts, settings: Settings) => Promise<Wanted>,
): Promise<Answer> {
  try {
    const cluster = await wantedCluster(ctx, asked.id);
    const settings = await ctx.settings(cluster.account_id);
    const facts = await readClusterFacts(ctx.db, cluster);
    const wanted = await decide(cluster, facts, settings);
    if ('done' in wanted) {
      const planned = planAnswer([], asked);
      if (planned) return planned;
      const caller = { accountId: ctx.caller.account.uuid, userId: ctx.caller.user.uuid };
      return job(await finishedJob(ctx.db, { command: ctx.command.name, ...caller, result: wanted.done }));
    }
    const { kind, request = {} } = wanted;
    if (asked.dryrun || asked.planhash !== undefined) {
      if (!mayBegin(kind, cluster.state, false)) throw fault('Refused', wrongState(cluster, kind));
      const leaving = facts.nodes.filter(
        ({ machineId, role }) => role === 'control' && request.machineIds?.includes(machineId),
      );
      const controls = facts.controlCount - (kind === 'scale' ? leaving.length : 0);
      const warnings = quorumWarnings({ controls, etcd: facts.etcdCount });
      const planned = planAnswer(LISTS[kind].steps({ ...facts, request }, settings), asked, warnings);
      if (planned) return planned;
    }
    const queued = await submit(ctx, { kind, cluster, settings, request, command: ctx.command.name });
    return job(queued.jobId);
  } catch (error) {
    if (asked.dryrun || !isRefusal(error)) throw error;
    return job(await failedJob(ctx, textOf(error)));
  }
}

const isRefusal = (error: unknown): boolean =>
  ['Refused', 'PermissionDenied', 'BadParameter'].includes(String((error as { type?: unknown }).type));

const wrongState = (cluster: ClusterRow, kind: OperationKind): string =>
  `Kubernetes cluster ${cluster.name} is ${cluster.state}: ${OPERATIONS[kind].phrase} needs it to be ${OPERATIONS[kind].from.join(' or ')}`;

async function wantedCluster(ctx: Context, id: string | undefined): Promise<ClusterRow> {
  const cluster = id === undefined ? undefined : await readCluster(ctx.db, id);
  if (!cluster || cluster.removed !== null) throw fault('Refused', `Invalid Kubernetes cluster id ${id ?? '(none)'}`);
  if (!(await mayAccess(ctx.db, ctx.caller, cluster.account_id)))
    throw fault('PermissionDenied', 'Caller does not have permission to operate with provided resource.');
  return cluster;
}

/** Counting or upgrading nodes while some are half-made would count or upgrade those too. */
export async function assertNoneHalfMade({ db }: Context, cluster: ClusterRow): Promise<void> {
  const other = await leftHalfMadeBy(db, cluster.uuid);
  if (!other) return;
  const first = cluster.state === 'Stopped' ? 'start it, then ' : '';
  throw fault(
    'Refused',
    `Kubernetes cluster ${cluster.name} has nodes that a failed ${other.kind} left half-made: ${first}resume or cancel operation ${other.uuid} first`,
  );
}

/** Commands that manage machines are for clusters whose machines this service made. */
export function assertManaged(cluster: ClusterRow, command: string): void {
  if (cluster.cluster_type !== 'CloudManaged')
    throw fault('Refused', `${command} is not supported for an externally managed cluster: ${cluster.name}`);
}
