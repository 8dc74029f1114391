import { activityInfo, heartbeat, sleep } from '@temporalio/activity';
import { claimOperation, outcomeOfRun, readFacts, settleOperation } from '../db/operations.js';
import { recordPlan } from '../db/plan-rows.js';
import { textOf } from '../workflows/model/fault.js';
import type { Claim, ClusterFacts, Outcome } from '../workflows/model/operation.js';
import type { PlanLine } from '../workflows/model/plan.js';
import type { Deps } from './deps.js';
import { surveyNodes } from './survey.js';

/** Plan and end of an operation: rows only, idempotent, retried until they pass. */
export const bookkeepingActivities = ({ db }: Deps) => ({
  recordPlan: (operationId: string, lines: PlanLine[]): Promise<void> => recordPlan(db, operationId, lines),
  settle: async (operationId: string, outcome: Outcome): Promise<void> =>
    settleOperation(db, operationId, await outcomeOfRun(db, operationId, runOf(), outcome)),
});

const runOf = () => activityInfo().workflowExecution!.runId;

export const claimingActivities = (deps: Deps) => ({
  /**
   * Takes the operation for this run, after the operation that it takes over from has ended, and reads the facts for its list.
   * `before`: the run that this one goes on from in a new history. `queue`: where the machines are looked at, if not here.
   * A further attempt looks at the machines first: rows may be older than the world. Null: the operation is not to be had.
   */
  async claim(
    operationId: string,
    before?: string,
    queue?: string,
  ): Promise<{ claim: Claim; facts: ClusterFacts } | null> {
    for (;;) {
      const claim = await claimOperation(deps.db, operationId, runOf(), before);
      if (claim === null) return null;
      if (claim !== 'wait') {
        if (claim.attempt > 1 && queue === undefined) await look(deps, claim.clusterId);
        return { claim, facts: await readFacts(deps.db, operationId) };
      }
      heartbeat();
      await sleep(300);
    }
  },

  /** Looks at the cluster's machines, and reads the facts for the list again. */
  async survey(operationId: string, clusterId: string): Promise<ClusterFacts> {
    await look(deps, clusterId);
    return readFacts(deps.db, operationId);
  },
});

/** A host that does not answer is met by the step that needs it. */
const look = (deps: Deps, clusterId: string): Promise<void> =>
  surveyNodes(deps, clusterId).catch((error: unknown) =>
    deps.log.warn({ error: textOf(error) }, 'could not look at the machines'),
  );
