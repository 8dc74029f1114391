import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { fault } from '../workflows/model/fault.js';
import type { Claim, ClusterFacts, OperationRequest, Outcome } from '../workflows/model/operation.js';
import { DEFAULT_SETTINGS, type Settings } from '../workflows/model/settings.js';
import { mayBegin, OPERATIONS, type OperationKind } from '../workflows/model/states.js';
import { replaceClusterGroups } from './affinity.js';
import { readClusterFacts } from './cluster-facts.js';
import { holdCluster, moveCluster, mustReadCluster } from './clusters.js';
import { millis, now, transact, type Db } from './knex.js';
import { isWhole, leftHalfMadeBy } from './nodes.js';
import type { ClusterRow, OperationRow } from './rows.js';
import { forgetSecrets } from './secret.js';
import { forgetServiceUser } from './service-identity.js';
import { writeEvent } from './write-event.js';

const CLUSTER_COMMANDS = 'org.apache.cloudstack.api.command.user.kubernetes.cluster';

export interface NewOperation {
  kind: OperationKind;
  mode?: 'run' | 'undo';
  cluster: ClusterRow;
  caller: { accountId: string; userId: string };
  settings: Settings;
  /** What was asked for; a further attempt is for the same. */
  request?: OperationRequest;
  /** The operation that this is another attempt of. */
  attemptOf?: OperationRow;
  /** `true` for delete: waits for the running operation to end, and ends it. */
  takeOver?: boolean;
  /** Name of the API command, shown as the job's `cmd`. */
  command: string;
  jobId?: string;
}

export interface Queued {
  operationId: string;
  jobId: string;
  /** True when the job has failed at once, because another operation holds the cluster. */
  refused?: boolean;
  /** The operation that holds the cluster; when taking over, this one waits for it to end. */
  heldBy?: OperationRow;
}

/**
 * Writes the job and the operation in the caller's transaction. The unique `active_cluster_id` decides who holds a cluster; when
 * another operation does, the job is written as failed with 530 (the wire has no synchronous busy error).
 */
export async function queueOperation(trx: Knex.Transaction, wanted: NewOperation): Promise<Queued> {
  const { kind, cluster, caller, attemptOf } = wanted;
  const rule = OPERATIONS[kind];
  const jobId = wanted.jobId ?? randomUUID();
  const operationId = randomUUID();
  const current = await holdCluster(trx, cluster.uuid);
  // A delete that waits has the cluster before whoever comes later, though whom it waits for may have let go already.
  const holder =
    (await trx<OperationRow>('operation').where({ active_cluster_id: cluster.uuid }).first()) ??
    (await trx<OperationRow>('operation')
      .where({ cluster_id: cluster.uuid, kind: 'delete' })
      .whereNull('ended')
      .first());
  // A delete ends whatever runs, but not another delete: that one is doing what was asked.
  const refusal =
    holder && (!wanted.takeOver || holder.kind === 'delete')
      ? `Kubernetes cluster ${cluster.name} is busy: operation "${holder.kind}" (${holder.uuid}) is ${holder.state}; wait for job ${holder.job_id}, or cancel it with cancelKubernetesClusterOperation`
      : holder || mayBegin(kind, current.state, attemptOf !== undefined)
        ? undefined
        : `Kubernetes cluster ${cluster.name} is ${current.state}: ${rule.phrase} needs it to be ${rule.from.join(' or ')}`;
  await trx('async_job').insert({
    uuid: jobId,
    job_cmd: `${CLUSTER_COMMANDS}.${wanted.command[0]?.toUpperCase()}${wanted.command.slice(1)}Cmd`,
    instance_type: kind === 'create' || kind === 'delete' ? 'KubernetesCluster' : null,
    account_id: caller.accountId,
    user_id: caller.userId,
    job_status: refusal ? 2 : 0,
    job_result_code: refusal ? 530 : 0,
    job_result: refusal ? JSON.stringify({ errorcode: 530, errortext: refusal }) : null,
    created: now(trx),
    removed: refusal ? now(trx) : null,
  });
  if (refusal) return { operationId: holder?.uuid ?? '', jobId, refused: true, ...(holder && { heldBy: holder }) };
  await trx('operation').insert({
    uuid: operationId,
    root_id: attemptOf?.root_id ?? operationId,
    attempt: (attemptOf?.attempt ?? 0) + 1,
    kind,
    mode: wanted.mode ?? 'run',
    cluster_id: cluster.uuid,
    active_cluster_id: holder ? null : cluster.uuid,
    state: 'queued',
    from_state: attemptOf?.from_state ?? current.state,
    job_id: jobId,
    account_id: caller.accountId,
    user_id: caller.userId,
    settings: JSON.stringify(wanted.settings),
    params: attemptOf ? attemptOf.params : JSON.stringify(wanted.request ?? {}),
    pause_requested: 0,
    created: now(trx),
  });
  if (holder)
    await trx('operation')
      .where({ uuid: holder.uuid })
      .whereNull('stop_requested')
      .update({ stop_requested: 'supersede' });
  await writeEvent(trx, {
    ...eventOf(cluster, kind, caller.userId),
    state: 'Scheduled',
    description: `${rule.phrase} ${cluster.name}`,
  });
  return { operationId, jobId, ...(holder && { heldBy: holder }) };
}

/** How long ago a time of the database was, by the database's clock. */
async function secondsSince(db: Db, time: string): Promise<number> {
  const [row] = await db.select<{ at: string }[]>(db.raw('? as at', [now(db)]));
  return row ? Math.max(0, Math.round((millis(row.at) - millis(time)) / 1000)) : 0;
}

const NOTHING_LEFT: Outcome = { end: 'succeeded', leftovers: [], failedLines: [], leftoverLines: [] };

const eventOf = (cluster: ClusterRow, kind: OperationKind, userId: string) => ({
  type: OPERATIONS[kind].event,
  user_id: userId,
  account_id: cluster.account_id,
  domain_id: cluster.domain_id,
  resource_type: 'KubernetesCluster',
  resource_id: cluster.uuid,
});

export const readOperation = (db: Db, uuid: string): Promise<OperationRow | undefined> =>
  Promise.resolve(db<OperationRow>('operation').where({ uuid }).first());

/**
 * Takes a queued operation for the run `runId`, once; `before` is the run that this one goes on from in a new history. Returns null
 * when it is not to be had (ended, or another run's), and `'wait'` while the operation that it takes over from still holds the cluster.
 */
export async function claimOperation(
  db: Knex,
  uuid: string,
  runId: string,
  before?: string,
): Promise<Claim | null | 'wait'> {
  return transact(db, async (trx) => {
    const known = await readOperation(trx, uuid);
    if (!known) return null;
    const cluster = await holdCluster(trx, known.cluster_id);
    const row = (await readOperation(trx, uuid))!;
    if (row.state === 'queued') {
      if (row.active_cluster_id === null) {
        if (await trx('operation').where({ active_cluster_id: row.cluster_id }).first()) return 'wait';
        if (cluster.removed !== null) {
          // A delete that waited for another delete: there is nothing left to do.
          await settleHeld(
            trx,
            row,
            cluster,
            row.kind === 'delete'
              ? NOTHING_LEFT
              : { ...NOTHING_LEFT, end: 'failed', fault: 'Superseded', reason: 'the cluster was deleted' },
          );
          return null;
        }
        await trx('operation').where({ uuid }).update({ active_cluster_id: row.cluster_id });
      }
      await trx('operation')
        .where({ uuid })
        .update({ state: row.mode === 'undo' ? 'undoing' : 'running', run_id: runId, started: now(trx) });
      const rule = OPERATIONS[row.kind];
      await moveCluster(trx, cluster, rule.during, null);
      await writeEvent(trx, {
        ...eventOf(cluster, row.kind, row.user_id),
        state: 'Started',
        description: `${rule.phrase} ${cluster.name}`,
      });
    } else if (row.active_cluster_id === null || (row.run_id !== runId && row.run_id !== before)) {
      return null;
    } else {
      await trx('operation').where({ uuid }).update({ run_id: runId });
    }
    const earlier = await trx('operation_step as s')
      .join('operation as o', 'o.uuid', 's.operation_id')
      .where('o.root_id', row.root_id)
      .whereNotNull('s.began')
      .select<{ title: string; state: string }[]>('s.title', 's.state');
    const titles = (rows: { title: string }[]) => [...new Set(rows.map(({ title }) => title))];
    return {
      clusterId: row.cluster_id,
      kind: row.kind,
      mode: row.mode,
      attempt: row.attempt,
      settings: settingsOf(row),
      stop: row.stop_requested,
      paused: row.pause_requested === 1,
      begun: titles(earlier),
      done: titles(earlier.filter(({ state }) => state === 'done')),
      elapsedSeconds: row.started === null ? 0 : await secondsSince(trx, row.started),
    };
  });
}

/** The settings that were in force when the attempt was asked for: one that is changed meanwhile is for the next. */
export async function readAttemptSettings(db: Db, operationId: string): Promise<Settings> {
  return settingsOf(await readOperation(db, operationId));
}

/** A setting that is newer than the row has its default. */
const settingsOf = (operation: Pick<OperationRow, 'settings'> | undefined): Settings => ({
  ...DEFAULT_SETTINGS,
  ...(JSON.parse(operation?.settings ?? '{}') as Partial<Settings>),
});

export async function readFacts(db: Db, operationId: string): Promise<ClusterFacts> {
  const operation = await readOperation(db, operationId);
  const cluster = await mustReadCluster(db, operation?.cluster_id ?? '');
  const request = JSON.parse(operation?.params ?? '{}') as OperationRequest;
  return readClusterFacts(db, cluster, request, operation?.root_id);
}

/** The only end of an operation: cluster state, operation, steps, job and event in one transaction. A second call does nothing. */
export async function settleOperation(db: Knex, operationId: string, outcome: Outcome): Promise<void> {
  await transact(db, async (trx) => {
    const known = await readOperation(trx, operationId);
    if (!known) return;
    const cluster = await holdCluster(trx, known.cluster_id);
    const row = (await readOperation(trx, operationId))!;
    if (row.ended === null) await settleHeld(trx, row, cluster, outcome);
  });
}

/** Of an operation that does well what it can, and leaves nodes that another began to that one. */
const WELL: Partial<Record<OperationKind, string>> = {
  renew: 'the certificates are renewed',
  start: 'the nodes that are in the cluster are started',
};
const leftToDo = (other: OperationRow | undefined): string =>
  other
    ? `the ${other.kind} before that left nodes half-made: resume or cancel operation ${other.uuid}`
    : 'an operation before that left its work half done: resume or cancel it by its id (listKubernetesClusterOperations)';

/** The state is moved only by the operation that holds the cluster: one that waits for its turn ends without a trace in it. */
async function settleHeld(
  trx: Knex.Transaction,
  row: OperationRow,
  cluster: ClusterRow,
  outcome: Outcome,
): Promise<void> {
  const operationId = row.uuid;
  const rule = OPERATIONS[row.kind];
  const ok = outcome.end === 'succeeded';
  const reason = outcome.reason?.slice(0, 2000) ?? null;
  // What an operation left half-made is still to be resumed or cancelled.
  const well = WELL[row.kind];
  const other = ok && rule.done === 'Running' ? await leftHalfMadeBy(trx, cluster.uuid, row.root_id) : undefined;
  const isUnfinished =
    ok &&
    rule.done === 'Running' &&
    (other !== undefined || (well !== undefined && row.from_state === 'Alert' && !(await isWhole(trx, cluster))));
  const rest = ok
    ? isUnfinished ? 'Alert' : rule.done
    : outcome.end === 'cancelled'
      ? rule.cancelled === 'before' ? row.from_state : rule.cancelled
      : (outcome.rest ?? rule.failed); // prettier-ignore
  const holds = row.active_cluster_id !== null;
  const told = isUnfinished
    ? `${well ?? 'what was asked for is done'}; ${leftToDo(other)}`
    : ok
      ? (outcome.warning ?? null)
      : reason;
  const words = rest === 'Destroyed' ? told : await restingReason(trx, cluster, told);
  if (holds && row.started !== null) await moveCluster(trx, cluster, rest, words);
  else if (holds && outcome.end !== 'superseded')
    await moveCluster(trx, { ...cluster, state: rule.during }, rest, reason);
  // Its password for a private registry came with the call, before any step that could be undone.
  if (row.kind === 'create' && outcome.end === 'cancelled') await forgetSecrets(trx, `cluster/${cluster.uuid}`);
  if (ok && rest === 'Destroyed') {
    await replaceClusterGroups(trx, cluster, {});
    await forgetServiceUser(trx, cluster);
  }
  await trx('operation')
    .where({ uuid: operationId })
    .update({
      state: ok ? 'succeeded' : outcome.end === 'cancelled' ? 'cancelled' : 'failed',
      active_cluster_id: null,
      ended: now(trx),
      fault: outcome.fault ?? null,
      reason,
      leftovers: outcome.leftovers.length === 0 ? null : JSON.stringify(outcome.leftovers),
    });
  const mark = (state: string, lines: { line: number; note: string }[]) =>
    Promise.all(
      lines.map(({ line, note }) =>
        trx('operation_step')
          .where({ operation_id: operationId, line })
          .update({ state, note: note.slice(0, 2000), ended: now(trx) }),
      ),
    );
  await mark('failed', outcome.failedLines);
  await mark('leftover', outcome.leftoverLines);
  await trx('operation_step')
    .where({ operation_id: operationId, state: 'done' })
    .whereIn('line', outcome.undoneLines ?? [])
    .update({ state: 'undone' });
  await trx('operation_step')
    .where({ operation_id: operationId, state: 'running' })
    .update({
      state: outcome.end === 'cancelled' ? 'undone' : 'failed',
      note: trx.raw(`COALESCE(note, ?)`, ['stopped with the operation']),
    });
  const evidence = outcome.evidence === undefined ? '' : ` (evidence: ${outcome.evidence.slice(0, 2000)})`;
  const errortext = `${reason ?? 'the operation failed'}${evidence}`;
  const jobOk = ok || (row.mode === 'undo' && outcome.end === 'cancelled');
  await trx('async_job')
    .where({ uuid: row.job_id, job_status: 0 })
    .update({
      job_status: jobOk ? 1 : 2,
      job_result_code: jobOk ? 0 : 530,
      job_result: JSON.stringify(jobOk ? jobResult(row) : { errorcode: 530, errortext }),
      removed: now(trx),
    });
  // Jobs of commands that asked for this end: a cancel.
  await trx('async_job')
    .where({ operation_id: operationId, job_status: 0 })
    .update({
      job_status: 1,
      job_result: JSON.stringify({ object: 'kubernetesclusteroperation', id: operationId }),
      removed: now(trx),
    });
  await writeEvent(trx, {
    ...eventOf(cluster, row.kind, row.user_id),
    state: 'Completed',
    level: ok ? 'INFO' : 'ERROR',
    description: ok
      ? `Successfully completed ${rule.phrase} ${cluster.name}`
      : `Error while ${rule.phrase} ${cluster.name}: ${errortext}`,
  });
}

/** What a client reads of a job that went well: the cluster, `success`, or, for further attempts, the operation. */
function jobResult({ kind, attempt, uuid, cluster_id }: OperationRow): object {
  if (attempt > 1) return { object: 'kubernetesclusteroperation', id: uuid };
  return OPERATIONS[kind].answersSuccess ? { success: true } : { object: 'kubernetescluster', id: cluster_id };
}

/** An upgrade that ended after its first control node leaves two versions: that is why the cluster is as it is. */
async function restingReason(
  trx: Knex.Transaction,
  cluster: ClusterRow,
  reason: string | null,
): Promise<string | null> {
  const target = cluster.target_version_id;
  if (target === null) return reason;
  const version = await trx('kubernetes_supported_version')
    .where({ uuid: target })
    .first<{ name: string } | undefined>();
  return `MixedVersions: an upgrade to ${version?.name ?? target} has begun, and not all nodes have it; upgrade to it again, or resume the upgrade, finishes. ${reason ?? ''}`.trim();
}

/** Throws `NotHolder` unless the operation still holds its cluster. */
export async function assertHolds(db: Db, operationId: string, runId: string): Promise<void> {
  // Asked around every call of a driver: without the row's settings and parameters.
  const row = await db('operation')
    .where({ uuid: operationId })
    .first<Pick<OperationRow, 'active_cluster_id' | 'ended' | 'run_id'> | undefined>(
      'active_cluster_id',
      'ended',
      'run_id',
    );
  if (!row || row.active_cluster_id === null || row.ended !== null)
    throw fault('NotHolder', `operation ${operationId} has ended: this worker was cut off`);
  if (row.run_id !== runId) throw fault('RunLost', RUN_RESET);
}

/** Why an operation ends whose run was made by a reset: it replays what was, and knows nothing of what was done since. */
const RUN_RESET =
  'the Temporal run of the operation was reset, which is refused: resumeKubernetesClusterOperation continues it';

/** What a run may settle: its own outcome, or, where the operation is another run's, that it was reset. */
export async function outcomeOfRun(db: Db, operationId: string, runId: string, outcome: Outcome): Promise<Outcome> {
  const row = await readOperation(db, operationId);
  if (!row || row.ended !== null || row.run_id === null || row.run_id === runId) return outcome;
  return { end: 'failed', fault: 'RunLost', reason: RUN_RESET, leftovers: [], failedLines: [], leftoverLines: [] };
}
