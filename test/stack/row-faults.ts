import type { Stack } from './stack.js';

/**
 * Lets a write of a step's line fail, as often as `test_fault` says: `running` before the work, `done` after it. So a step that is
 * over in no time can be met surely. RAISE(FAIL) keeps the count that was taken.
 */
export function installRowFaults(stack: Stack): void {
  const fits = `times > 0 AND test_fault.state = NEW.state AND test_fault.title = OLD.title
    AND cluster = (SELECT c.name FROM operation o JOIN kubernetes_cluster c ON c.uuid = o.cluster_id WHERE o.uuid = NEW.operation_id)`;
  stack.write(`CREATE TABLE test_fault (cluster TEXT, title TEXT, state TEXT, times INTEGER);
    CREATE TRIGGER test_fault BEFORE UPDATE OF state ON operation_step WHEN EXISTS (SELECT 1 FROM test_fault WHERE ${fits}) BEGIN
      UPDATE test_fault SET times = times - 1 WHERE ${fits};
      SELECT RAISE(FAIL, 'a fault of the test');
    END`);
}

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** Breaks a step of the named cluster's operation. */
export const breakRow = (stack: Stack, cluster: string, title: string, state: 'running' | 'done', times: number) =>
  stack.write(`INSERT INTO test_fault VALUES (${quoted(cluster)}, ${quoted(title)}, '${state}', ${times})`);

/** Takes the faults of a cluster away, or those of one step, or of one of its marks. Answers how often they might still have struck. */
export function healRows(stack: Stack, cluster: string, title?: string, state?: 'running' | 'done'): number {
  const where = [
    `cluster = ${quoted(cluster)}`,
    ...(title === undefined ? [] : [`title = ${quoted(title)}`]),
    ...(state === undefined ? [] : [`state = '${state}'`]),
  ].join(' AND ');
  const left = rowFaults(stack, where);
  stack.write(`DELETE FROM test_fault WHERE ${where}`);
  return left;
}

/** How often the faults may still strike. */
export const rowFaults = (stack: Stack, where: string): number =>
  stack.row<{ left: number | null }>(`SELECT SUM(times) AS left FROM test_fault WHERE ${where}`).left ?? 0;
