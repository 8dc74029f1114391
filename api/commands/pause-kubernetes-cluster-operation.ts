import { finishedJob } from '../../db/finished-job.js';
import { signalPause } from '../../workflows/client.js';
import { fault, textOf } from '../../workflows/model/fault.js';
import { command, EVERYONE, job } from '../command.js';
import { OPERATION } from '../views/operation.js';
import { OPERATION_PARAMS, wantedOperation } from '../wanted-operation.js';

/** No new step begins until the operation is resumed; steps that are running finish. */
export const pauseKubernetesClusterOperation = command({
  name: 'pauseKubernetesClusterOperation',
  description: 'Pauses a running operation between two steps, until it is resumed',
  roles: EVERYONE,
  isAsync: true,
  kubernetes: true,
  params: OPERATION_PARAMS,
  response: OPERATION,
  async handler(ctx, asked) {
    const { operation } = await wantedOperation(ctx, asked);
    const paused = await ctx
      .db('operation')
      .where({ uuid: operation.uuid })
      .whereNull('ended')
      .update({ pause_requested: 1 });
    if (paused !== 1)
      throw fault('Refused', `Operation ${operation.uuid} has ended (${operation.state}): there is nothing to pause`);
    await signalPause(ctx.temporal!, operation.uuid, true).catch((error: unknown) =>
      ctx.log.warn({ error: textOf(error) }, 'the scan will pass on the pause'),
    );
    const caller = { accountId: ctx.caller.account.uuid, userId: ctx.caller.user.uuid };
    return job(
      await finishedJob(ctx.db, {
        command: ctx.command.name,
        ...caller,
        result: { object: 'kubernetesclusteroperation', id: operation.uuid },
      }),
    );
  },
});
