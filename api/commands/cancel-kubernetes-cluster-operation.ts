import { transact } from '../../db/knex.js';
import { finishedJob } from '../../db/finished-job.js';
import { readOperation } from '../../db/operations.js';
import { signalStop } from '../../workflows/client.js';
import { fault, textOf } from '../../workflows/model/fault.js';
import { command, EVERYONE, job } from '../command.js';
import { submit } from '../operations.js';
import { OPERATION } from '../views/operation.js';
import { OPERATION_PARAMS, wantedOperation } from '../wanted-operation.js';

/** Ends a running operation and undoes what it half did; undoes a failed one. The job ends when that is over. */
export const cancelKubernetesClusterOperation = command({
  name: 'cancelKubernetesClusterOperation',
  description: 'Cancels a running operation, or undoes a failed one',
  roles: EVERYONE,
  isAsync: true,
  kubernetes: true,
  params: OPERATION_PARAMS,
  response: OPERATION,
  async handler(ctx, asked) {
    const { operation, cluster } = await wantedOperation(ctx, asked);
    if (operation.kind === 'delete') throw fault('Refused', 'A delete cannot be cancelled: what it removed is gone');
    const caller = { accountId: ctx.caller.account.uuid, userId: ctx.caller.user.uuid };
    // The row decides: an operation that ends at this moment either sees the request or is treated as ended.
    const jobId = await transact(ctx.db, async (trx) => {
      await trx('operation')
        .where({ uuid: operation.uuid })
        .whereNull('ended')
        .whereNull('stop_requested')
        .update({ stop_requested: 'cancel' });
      const current = await readOperation(trx, operation.uuid);
      return current?.ended === null
        ? finishedJob(trx, { command: ctx.command.name, ...caller, operationId: operation.uuid })
        : undefined;
    });
    if (jobId !== undefined) {
      await signalStop(ctx.temporal!, operation.uuid, 'cancel').catch((error: unknown) =>
        ctx.log.warn({ error: textOf(error) }, 'the scan will pass on the cancel'),
      );
      return job(jobId);
    }
    const ended = await readOperation(ctx.db, operation.uuid);
    if (ended?.state !== 'failed' || ended.fault === 'Superseded')
      throw fault(
        'Refused',
        `Operation ${operation.uuid} has ended (${ended?.state}): only a running or failed one can be cancelled`,
      );
    const settings = await ctx.settings(cluster.account_id);
    const queued = await submit(ctx, {
      kind: operation.kind,
      mode: 'undo',
      cluster,
      settings,
      attemptOf: ended,
      command: ctx.command.name,
    });
    return job(queued.jobId);
  },
});
