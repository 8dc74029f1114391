import { signalPause } from '../../workflows/client.js';
import { fault, textOf } from '../../workflows/model/fault.js';
import { finishedJob } from '../../db/finished-job.js';
import type { OperationRequest } from '../../workflows/model/operation.js';
import { command, EVERYONE, job } from '../command.js';
import { submit } from '../operations.js';
import { OPERATION } from '../views/operation.js';
import { OPERATION_PARAMS, wantedOperation } from '../wanted-operation.js';

/**
 * A paused operation goes on; a failed one gets a new attempt, with a new job, that begins at the failed step. An upgrade that was cancelled
 * after its first control node is begun again: nothing else finishes what it left (design §5).
 */
export const resumeKubernetesClusterOperation = command({
  name: 'resumeKubernetesClusterOperation',
  description: 'Lets a paused operation go on, or starts a failed one again at the failed step',
  roles: EVERYONE,
  isAsync: true,
  kubernetes: true,
  params: OPERATION_PARAMS,
  response: OPERATION,
  async handler(ctx, asked) {
    const { operation, cluster } = await wantedOperation(ctx, asked);
    if (operation.ended === null) {
      if (operation.pause_requested !== 1)
        throw fault(
          'Refused',
          `Operation ${operation.uuid} is ${operation.state}: only a paused or failed one can be resumed`,
        );
      await ctx.db('operation').where({ uuid: operation.uuid }).update({ pause_requested: 2 });
      await signalPause(ctx.temporal!, operation.uuid, false).catch((error: unknown) =>
        ctx.log.warn({ error: textOf(error) }, 'the scan will pass on the resume'),
      );
      const caller = { accountId: ctx.caller.account.uuid, userId: ctx.caller.user.uuid };
      return job(
        await finishedJob(ctx.db, {
          command: ctx.command.name,
          ...caller,
          result: { object: 'kubernetesclusteroperation', id: operation.uuid },
        }),
      );
    }
    const settings = await ctx.settings(cluster.account_id);
    const request = JSON.parse(operation.params ?? '{}') as OperationRequest;
    const isMixed = operation.kind === 'upgrade' && cluster.target_version_id === request.version?.id;
    if (operation.state === 'cancelled' && isMixed) {
      const queued = await submit(ctx, { kind: 'upgrade', cluster, settings, request, command: ctx.command.name });
      return job(queued.jobId);
    }
    if (operation.state !== 'failed' || operation.fault === 'Superseded') {
      throw fault(
        'Refused',
        `Operation ${operation.uuid} has ended (${operation.state}): only a paused or failed one can be resumed`,
      );
    }
    const queued = await submit(ctx, {
      kind: operation.kind,
      cluster,
      settings,
      attemptOf: operation,
      command: ctx.command.name,
    });
    return job(queued.jobId);
  },
});
