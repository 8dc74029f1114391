import { recordPlan } from '../../db/plan-rows.js';
import type { StepRow } from '../../db/rows.js';
import { onEachEngine } from './engines.js';
import { makeWorld, type World } from './world.js';

const WHEN = '2026-01-01 00:00:00.000';

/** A group of one lane for each worker, of two steps. */
const removing = (...workers: string[]) => [
  { line: 0, parent: null, title: 'nodes leave', kind: 'group', skip: null, after: [] },
  ...workers.flatMap((worker, i) => [
    { line: 2 * i + 1, parent: 0, title: `${worker}: drain`, kind: 'node.drain', skip: null, after: [] },
    { line: 2 * i + 2, parent: 0, title: `${worker}: remove`, kind: 'machine.remove', skip: null, after: [2 * i + 1] },
  ]),
];

onEachEngine((engines) => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld(engines);
  });

  const rows = (operationId: string) =>
    world.db<StepRow>('operation_step').where({ operation_id: operationId }).orderBy('line');
  const begin = (operationId: string, titles: string[], state = 'done') =>
    world
      .db('operation_step')
      .where({ operation_id: operationId })
      .whereIn('title', titles)
      .update({ state, began: WHEN, ended: WHEN, attempts: 1, seconds: 2 });

  test('the same list again leaves what is known of it', async () => {
    const { operationId } = await world.queue(await world.addCluster('same-list'));
    await recordPlan(world.db, operationId, removing('worker-1'));
    await begin(operationId, ['worker-1: drain']);
    const before = await rows(operationId);
    await recordPlan(world.db, operationId, removing('worker-1'));
    expect(await rows(operationId)).toEqual(before);
    expect(before.map(({ state }) => state)).toEqual(['pending', 'done', 'pending']);
  });

  test('the list of a run that goes on: what began keeps its title, also where its node has left the list', async () => {
    const { operationId } = await world.queue(await world.addCluster('shorter-list'));
    await recordPlan(world.db, operationId, removing('worker-1', 'worker-2', 'worker-3'));
    await begin(operationId, ['worker-1: drain', 'worker-1: remove', 'worker-2: drain']);
    const before = await rows(operationId);
    const going = removing('worker-2', 'worker-3');
    await recordPlan(world.db, operationId, going);
    await recordPlan(world.db, operationId, going);
    const after = await rows(operationId);
    expect(after.map(({ line, parent, title, state }) => [line, parent, title, state])).toEqual([
      [0, null, 'nodes leave', 'pending'],
      [1, 0, 'worker-2: drain', 'done'],
      [2, 0, 'worker-2: remove', 'pending'],
      [3, 0, 'worker-3: drain', 'pending'],
      [4, 0, 'worker-3: remove', 'pending'],
      [5, null, 'worker-1: drain', 'done'],
      [6, null, 'worker-1: remove', 'done'],
    ]);
    expect(after[1]).toEqual({ ...before[3], line: 1, after_lines: '[]' });
  });
});
