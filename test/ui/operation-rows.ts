import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { now } from '../../db/knex.js';
import type { OperationRow, StepRow } from '../../db/rows.js';
import { addJob } from '../api/fixtures.js';
import type { TestUser } from '../api/harness.js';

/** A create that runs: its first step is done, a group of two is next. */
export async function addOperation(
  db: Knex,
  owner: TestUser,
  clusterId: string,
  row: Partial<OperationRow> = {},
): Promise<string> {
  const uuid = randomUUID();
  const ended = row.ended !== undefined && row.ended !== null;
  await db('operation').insert({
    uuid, root_id: uuid, attempt: 1, kind: 'create', mode: 'run', cluster_id: clusterId, active_cluster_id: ended ? null : clusterId, state: 'running',
    from_state: 'Created', job_id: await addJob(db, owner, { status: ended ? 1 : 0 }), account_id: owner.accountId, user_id: owner.userId, settings: '{}', pause_requested: 0,
    run_id: randomUUID(), created: now(db), started: now(db), ...row,
  }); // prettier-ignore
  const line = (number: number, parent: number | null, title: string, state: string, rest: Partial<Record<keyof StepRow, unknown>> = {}) => ({
    operation_id: uuid, line: number, parent, after_lines: '[]', title, kind: 'network', state, attempts: 0, ...rest,
  }); // prettier-ignore
  await db('operation_step').insert(
    line(0, null, 'set up the network', 'done', { began: now(db), ended: now(db), attempts: 1 }),
  );
  await db('operation_step').insert(line(1, null, 'make the nodes', 'pending', { kind: 'group' }));
  await db('operation_step').insert(
    line(2, 1, 'control-1: boot', 'running', {
      began: now(db),
      attempts: 2,
      note: 'the first attempt lost its connection',
    }),
  );
  await db('operation_step').insert(line(3, 1, 'worker-1: boot', 'pending'));
  await db('operation_step').insert(line(4, null, 'save the kubeconfig', 'skipped', { skip: 'it is there already' }));
  return uuid;
}

export const changeStep = (
  db: Knex,
  operation: string,
  line: number,
  change: Partial<Record<keyof StepRow, unknown>>,
): Promise<unknown> => Promise.resolve(db('operation_step').where({ operation_id: operation, line }).update(change));
