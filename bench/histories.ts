import type { Client } from '@temporalio/client';
import type { Knex } from 'knex';
import { workflowIdOf } from '../workflows/model/operation.js';

/** Events that Temporal kept of one operation: all runs and children together, and its longest run. */
export interface Length {
  events: number;
  longest: number;
  runs: number;
}

/** Of the cluster's latest operation, once none of its runs is open. */
export async function measureHistory(db: Knex, client: Client, clusterId: string): Promise<Length> {
  const { uuid } = await db('operation')
    .where({ cluster_id: clusterId })
    .orderBy('id', 'desc')
    .first<{ uuid: string }>('uuid');
  const root = workflowIdOf(uuid);
  for (;;) {
    const lengths: number[] = [];
    let open = 0;
    // Visibility follows a run's end by a moment.
    for await (const run of client.workflow.list({ query: `WorkflowId = '${root}' OR RootWorkflowId = '${root}'` })) {
      if (run.status.name === 'RUNNING') open++;
      lengths.push(run.historyLength);
    }
    if (lengths.length > 0 && open === 0)
      return {
        events: lengths.reduce((sum, one) => sum + one, 0),
        longest: Math.max(...lengths),
        runs: lengths.length,
      };
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
