import { beginOperation } from '../../../activities/begin-operation.js';
import { readClusterFacts } from '../../../db/cluster-facts.js';
import { mustReadCluster } from '../../../db/clusters.js';
import { readSettings } from '../../../db/configuration.js';
import { connect } from '../../../db/knex.js';
import { layOut } from '../../../workflows/engine/step.js';
import { LISTS } from '../../../workflows/steps/lists.js';
import type { Stack } from '../stack.js';
import type { Subject } from './operations.js';

type Db = ReturnType<typeof connect>;
async function withDb<T>(stack: Stack, act: (db: Db) => Promise<T>): Promise<T> {
  const db = connect(`sqlite:${stack.home}/cks.db`);
  try {
    return await act(db);
  } finally {
    await db.destroy();
  }
}

/** The titles of the steps of a renewal that have work to do. */
export const renewalPlan = (stack: Stack, { id }: Subject): Promise<string[]> =>
  withDb(stack, async (db) => {
    const facts = await readClusterFacts(db, await mustReadCluster(db, id));
    const { lines } = layOut(LISTS.renew.steps(facts, await readSettings(db)));
    return lines.filter(({ kind, skip }) => kind !== 'group' && skip === null).map(({ title }) => title);
  });

/** No command renews certificates: the scan does, with this function of its own. Here it is called for one cluster, and again within a day. */
export function beginRenewal(stack: Stack, { id }: Subject): Promise<{ jobid: string }> {
  stack.write(`UPDATE operation SET created = '2020-01-01 00:00:00.000' WHERE kind = 'renew' AND cluster_id = '${id}'`);
  return withDb(stack, async (db) => {
    const temporal = await stack.client();
    const log = { info: () => undefined } as never;
    if (!(await beginOperation({ db, temporal, log }, await mustReadCluster(db, id), 'renew')))
      throw new Error('no renewal began');
    return { jobid: stack.operation(id).job_id };
  });
}
