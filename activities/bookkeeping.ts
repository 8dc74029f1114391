import { Context, heartbeat, sleep } from '@temporalio/activity';
import { claimOperation, readFacts, readOperation, recordPlan, settleOperation } from '../db/operations.js';
import type { Claim, ClusterFacts, Outcome } from '../workflows/model/operation.js';
import type { PlanLine } from '../workflows/model/plan.js';
import type { Deps } from './deps.js';
import { surveyNodes } from './survey.js';

/** Begin, plan and end of an operation: rows only, idempotent, retried until they pass. */
export const bookkeepingActivities = (deps: Deps) => ({
  /** Facts for the list of steps. A further attempt looks at the machines first: rows may be older than the world. */
  async readFacts(operationId: string): Promise<ClusterFacts> {
    const operation = await readOperation(deps.db, operationId);
    if (operation && operation.attempt > 1) await surveyNodes(deps, operation.cluster_id);
    return readFacts(deps.db, operationId);
  },
  recordPlan: (operationId: string, lines: PlanLine[]): Promise<void> => recordPlan(deps.db, operationId, lines),
  settle: (operationId: string, outcome: Outcome): Promise<void> => settleOperation(deps.db, operationId, outcome),
});

export const claimingActivities = ({ db }: Deps) => ({
  /** Takes the operation for this run, after the operation that it takes over from has ended. Null: it is not to be had. */
  async claim(operationId: string): Promise<Claim | null> {
    const { runId } = Context.current().info.workflowExecution!;
    for (;;) {
      const claim = await claimOperation(db, operationId, runId);
      if (claim !== 'wait') return claim;
      heartbeat();
      await sleep(300);
    }
  },
});
