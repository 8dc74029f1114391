import { readSettings } from '../db/configuration.js';
import { nowPlus, transact } from '../db/knex.js';
import { queueOperation, readOperation } from '../db/operations.js';
import type { ClusterRow } from '../db/rows.js';
import { readRun } from '../db/runs.js';
import { startRun } from '../workflows/client.js';
import type { OperationRequest } from '../workflows/model/operation.js';
import type { Deps } from './deps.js';

/** Operations that the scan begins by itself, and the command that each is shown as. */
const COMMANDS = { renew: 'renewKubernetesClusterCertificates', replaceNode: 'replaceKubernetesNode' } as const;
/** Seconds after such an operation of a cluster in which the scan begins no other: what failed or was cancelled is not repeated at once. */
const PAUSE = { renew: 86_400, replaceNode: 600 } as const;

/** Queues an operation for a cluster in its owner's name, and starts its run. False when it is not the time. */
export async function beginOperation(
  { db, temporal, log }: Pick<Deps, 'db' | 'temporal' | 'log'>,
  cluster: ClusterRow,
  kind: keyof typeof COMMANDS,
  request: OperationRequest = {},
): Promise<boolean> {
  const recent = await db('operation')
    .where({ cluster_id: cluster.uuid, kind })
    .where((q) => q.whereNot('state', 'succeeded').orWhere('kind', 'renew'))
    .where('created', '>', nowPlus(db, -PAUSE[kind]))
    .first('uuid');
  if (recent) return false;
  const first = await db('operation')
    .where({ cluster_id: cluster.uuid })
    .orderBy('id')
    .first<{ user_id: string } | undefined>('user_id');
  const settings = await readSettings(db, cluster.account_id);
  const queued = await transact(db, async (trx) => {
    // Asked first, since a refusal is a failed job that nobody waits for.
    const now = await trx('kubernetes_cluster')
      .where({ uuid: cluster.uuid })
      .forUpdate()
      .first<ClusterRow>('generation');
    if (now.generation !== cluster.generation) return undefined;
    if (await trx('operation').where({ active_cluster_id: cluster.uuid }).first('uuid')) return undefined;
    return queueOperation(trx, {
      kind,
      cluster,
      caller: { accountId: cluster.account_id, userId: first?.user_id ?? '' },
      settings,
      request,
      command: COMMANDS[kind],
    });
  });
  if (!queued || queued.refused) return false;
  log.info({ cluster: cluster.name, kind }, 'the scan began an operation');
  const operation = await readOperation(db, queued.operationId);
  const run = operation && (await readRun(db, operation));
  // A run that Temporal does not take now is started by the scan of operations.
  if (run) await startRun(temporal, run);
  return true;
}
