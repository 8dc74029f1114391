import { holdCluster } from '../db/clusters.js';
import { readSettings } from '../db/configuration.js';
import { nowPlus, transact } from '../db/knex.js';
import { queueOperation, settleOperation } from '../db/operations.js';
import { removeExpired } from '../db/retention.js';
import { readRun } from '../db/runs.js';
import type { ClusterRow, OperationRow } from '../db/rows.js';
import { isRunOpen, listOpenRuns, readRequests, signalPause, signalStop, startRun } from '../workflows/client.js';
import { textOf } from '../workflows/model/fault.js';
import { workflowIdOf } from '../workflows/model/operation.js';
import { lostBuilds } from './builds.js';
import type { Deps } from './deps.js';
import { resumeFetches } from './images/resume.js';
import { resumeMachineJobs } from './machines.js';
import { resumeNetworkJobs } from './networks.js';

/** Seconds after which an operation's run must exist; younger ones are being started. */
const START_GRACE = 3;
/** With more operations than this, those whose runs are in Temporal's list of open ones are not asked for. */
const MOST_ASKED_ONE_BY_ONE = 10;
/** Seconds between two attempts of a delete: 30, 60, … at most an hour. */
const deletePause = (attempt: number) => Math.min(3600, 30 * 2 ** Math.min(attempt - 1, 7));

export const scanActivities = (deps: Deps) => {
  const endLostBuilds = lostBuilds(deps, (uuid, reason) => settleLost(deps.db, uuid, `${reason}: ${CONTINUES}`));
  return {
    /**
     * Starts queued operations that have no run, ends running ones whose run is gone (they rest, resumable), repeats requests that a
     * run may have missed, and takes up deletes that failed.
     */
    async settleOperations(): Promise<void> {
      const { db, log } = deps;
      await endLostBuilds().catch((error: unknown) =>
        log.warn({ error: textOf(error) }, 'the scan could not look for builds without a worker'),
      );
      const open = await db<OperationRow>('operation')
        .whereNull('ended')
        .where('created', '<', nowPlus(db, -START_GRACE))
        .orderBy('id');
      const runs = open.length > MOST_ASKED_ONE_BY_ONE ? await listOpenRuns(deps.temporal) : new Set<string>();
      for (const operation of open) {
        try {
          await settleOne(deps, operation, runs);
        } catch (error) {
          log.warn({ operation: operation.uuid, error: textOf(error) }, 'the scan could not look after an operation');
        }
      }
      await retryDeletes(deps);
      await resumeFetches(deps);
      await resumeNetworkJobs(deps);
      await resumeMachineJobs(deps);
    },

    /** Removes what is past its time. */
    async applyRetention(): Promise<void> {
      const { db, log } = deps;
      const jobs = await removeExpired(db, (await readSettings(db))['job.expire.minutes']);
      if (jobs > 0) log.info({ jobs }, 'removed jobs past job.expire.minutes');
    },
  };
};

async function settleOne(
  { db, temporal, log }: Deps,
  operation: OperationRow,
  runs: ReadonlySet<string>,
): Promise<void> {
  const { uuid, state } = operation;
  const isOpen = async () => runs.has(workflowIdOf(uuid)) || (await isRunOpen(temporal, uuid));
  if (state === 'queued') {
    const run = runs.has(workflowIdOf(uuid)) ? undefined : await readRun(db, operation);
    if (run && (await startRun(temporal, run))) {
      log.info({ operation: uuid }, 'started an operation that had no run');
      return;
    }
    if (await isOpen()) return;
    // The run exists and is closed, but the operation may have been claimed and settled meanwhile: settling looks again.
    await settleLost(db, uuid);
    return;
  }
  if (await isOpen()) return passOn(temporal, operation);
  log.warn({ operation: uuid }, 'ended an operation whose run is gone');
  await settleLost(db, uuid);
}

/** Tells a run what it was asked for and does not know. Each signal stays in its history, so it is asked first. */
async function passOn(
  temporal: Deps['temporal'],
  { uuid, stop_requested, pause_requested }: OperationRow,
): Promise<void> {
  if (stop_requested === null && pause_requested === 0) return;
  const known = await readRequests(temporal, uuid);
  if (stop_requested !== null && known.stop === null) await signalStop(temporal, uuid, stop_requested);
  const pause = pause_requested === 1;
  if (known.paused !== pause) await signalPause(temporal, uuid, pause);
}

const CONTINUES = 'resumeKubernetesClusterOperation continues the operation';
const LOST = `the Temporal run of the operation was terminated or lost: ${CONTINUES}`;

const settleLost = (db: Deps['db'], uuid: string, reason = LOST) =>
  settleOperation(db, uuid, {
    end: 'failed',
    fault: 'RunLost',
    reason,
    leftovers: [],
    failedLines: [],
    leftoverLines: [],
  });

/** A cluster in Destroying that no operation holds: its delete is tried again, with growing pauses. */
async function retryDeletes({ db, temporal, log }: Deps): Promise<void> {
  const clusters = await db<ClusterRow>('kubernetes_cluster').where({ state: 'Destroying' }).whereNull('removed');
  for (const cluster of clusters) {
    const last = await db<OperationRow>('operation')
      .where({ cluster_id: cluster.uuid, kind: 'delete' })
      .orderBy('id', 'desc')
      .first();
    if (!last || last.ended === null) continue;
    const due = await db('operation')
      .where({ uuid: last.uuid })
      .where('ended', '<', nowPlus(db, -deletePause(last.attempt)))
      .first<object | undefined>();
    if (!due) continue;
    const settings = await readSettings(db, cluster.account_id);
    const queued = await transact(db, async (trx) => {
      await holdCluster(trx, cluster.uuid);
      // Its user may have asked for it again since: a job of ours would only be refused.
      if (await trx('operation').where({ cluster_id: cluster.uuid }).whereNull('ended').first('uuid')) return undefined;
      return queueOperation(trx, {
        kind: 'delete',
        cluster,
        caller: { accountId: last.account_id, userId: last.user_id },
        settings,
        attemptOf: last,
        command: 'deleteKubernetesCluster',
      });
    });
    if (!queued) continue;
    log.info({ cluster: cluster.name, attempt: last.attempt + 1 }, 'trying an unfinished delete again');
    const operation = await db<OperationRow>('operation').where({ uuid: queued.operationId }).first();
    const run = operation && (await readRun(db, operation));
    if (run) await startRun(temporal, run);
  }
}
