import { randomUUID } from 'node:crypto';
import { now, type Db } from './knex.js';

const COMMANDS = 'org.apache.cloudstack.api.command';

export interface SmallJob {
  command: string;
  /** Where the original has the command; default: where those about clusters are. */
  group?: string;
  accountId: string;
  userId: string;
  /** The result of a job that is over; or the operation whose end ends it. */
  result?: object;
  operationId?: string;
}

/** Writes a job without an operation of its own. Returns its id. */
export async function finishedJob(
  db: Db,
  { command, group = 'user.kubernetes.cluster', accountId, userId, result, operationId }: SmallJob,
): Promise<string> {
  const uuid = randomUUID();
  await db('async_job').insert({
    uuid,
    job_cmd: `${COMMANDS}.${group}.${command[0]?.toUpperCase()}${command.slice(1)}Cmd`,
    instance_type: null,
    account_id: accountId,
    user_id: userId,
    job_status: result ? 1 : 0,
    job_result_code: 0,
    job_result: result ? JSON.stringify(result) : null,
    operation_id: operationId ?? null,
    created: now(db),
    removed: result ? now(db) : null,
  });
  return uuid;
}
