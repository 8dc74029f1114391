import { finishedJob } from '../db/finished-job.js';
import { now } from '../db/knex.js';
import type { Context } from './command.js';

/** A job that has failed at once: asynchronous commands report what they find in the job (`api.md` §2.2). Returns its id. */
export async function failedJob(ctx: Context, errortext: string, group?: string): Promise<string> {
  const uuid = await finishedJob(ctx.db, {
    command: ctx.command.name,
    ...(group !== undefined && { group }),
    accountId: ctx.caller.account.uuid,
    userId: ctx.caller.user.uuid,
  });
  await ctx
    .db('async_job')
    .where({ uuid })
    .update({
      job_status: 2,
      job_result_code: 530,
      job_result: JSON.stringify({ errorcode: 530, errortext }),
      removed: now(ctx.db),
    });
  return uuid;
}
