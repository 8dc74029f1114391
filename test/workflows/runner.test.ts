import { fileURLToPath } from 'node:url';
import { newCluster } from '../fakes/cluster-facts.js';
import { OperationWorld } from '../fakes/operation-world.js';
import { TemporalFixture } from '../fakes/temporal.js';

let temporal: TemporalFixture;
beforeAll(async () => {
  temporal = await TemporalFixture.start(fileURLToPath(new URL('../fakes/runner-workflows.ts', import.meta.url)));
}, 120_000);
afterAll(() => temporal?.stop());

test('a cancel leaves what a keep made stand, and undoes only what was begun after it, and in other lanes', async () => {
  const world = new OperationWorld(newCluster(1, 1));
  world.troubles.set('a2: take out', 'hang');
  const outcome = await temporal.withWorker(world.activities(), async () => {
    const handle = await temporal.start('keptOperation');
    while (!(
      world.begun().includes('a2: take out') &&
      world.calls.some(({ title, end }) => title === 'b1: take out' && end === 'done')
    ))
      await new Promise((resolve) => setTimeout(resolve, 20));
    await handle.signal('stop', 'cancel');
    await handle.result();
    return world.outcomes[0];
  });
  expect(outcome).toMatchObject({ end: 'cancelled', leftovers: [] });
  expect([...world.undone()].sort()).toEqual(['a2: take out', 'b1: take out', 'first']);
  expect(world.undone().at(-1)).toBe('first');
  expect(world.begun()).not.toContain('last');
});

test('while a step runs, the details show it', async () => {
  const world = new OperationWorld(newCluster(1, 1));
  world.troubles.set('a2: take out', 'hang');
  await temporal.withWorker(world.activities(), async () => {
    const handle = await temporal.start('keptOperation');
    while (!world.begun().includes('a2: take out')) await new Promise((resolve) => setTimeout(resolve, 20));
    const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    expect(currentDetails).toMatch(/^\*\*\d+ %\*\*/);
    expect(currentDetails).toContain('- ▶ a2: take out');
    expect(currentDetails).not.toContain('first');
    await handle.signal('stop', 'cancel');
    await handle.result();
  });
});

test('a take-over ends the operation at its next safe point and undoes nothing', async () => {
  const world = new OperationWorld(newCluster(1, 1));
  world.troubles.set('a1: take out', 'hang');
  await temporal.withWorker(world.activities(), async () => {
    const handle = await temporal.start('keptOperation');
    while (!world.begun().includes('a1: take out')) await new Promise((resolve) => setTimeout(resolve, 20));
    await handle.signal('stop', 'supersede');
    await handle.result();
  });
  expect(world.outcomes[0]).toMatchObject({ end: 'superseded', fault: 'Superseded' });
  expect(world.calls.filter(({ undo }) => undo)).toEqual([]);
});

test('the run says its list, its percent and its end in the details that the Temporal Web UI shows', async () => {
  const world = new OperationWorld(newCluster(1, 1));
  await temporal.withWorker(world.activities(), async () => {
    const handle = await temporal.start('keptOperation');
    await handle.result();
    const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    expect(currentDetails).toContain('**succeeded**');
    expect(currentDetails).toContain('- ✓ a1: put back');
    expect(await handle.query('progress')).toMatchObject({ percent: 100, paused: false });
    const history = await handle.fetchHistory();
    const scheduled = history.events!.filter(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'store.ensureKeys',
    );
    const summaries = scheduled.map(
      (event) => JSON.parse(Buffer.from(event.userMetadata!.summary!.data!).toString()) as string,
    );
    expect(summaries).toContain('a2: put back');
  });
});

describe('an operation of more steps than a history holds', () => {
  const LANES = ['a', 'b', 'c'].flatMap((name) => Array.from({ length: 10 }, (_, i) => `${name}${i}`)).sort();
  const runs = async (workflowId: string) => {
    const found = new Set<string>();
    for await (const { runId } of temporal.env.client.workflow.list({ query: `WorkflowId = '${workflowId}'` }))
      found.add(runId);
    return found.size;
  };

  test('goes on in new runs, each step done once', async () => {
    const world = new OperationWorld(newCluster(1, 1));
    const { workflowId } = await temporal.withWorker(world.activities(), async () => {
      const handle = await temporal.start('longOperation');
      await handle.result();
      return handle;
    });
    expect(world.outcomes).toMatchObject([{ end: 'succeeded' }]);
    expect(world.begun().sort()).toEqual([...LANES, 'last']);
    expect(await runs(workflowId)).toBeGreaterThan(2);
  });

  test.each(['signal', 'request of Temporal'])(
    'is undone in new runs, each step once, by a cancel as %s',
    async (by) => {
      const world = new OperationWorld(newCluster(1, 1));
      world.troubles.set('last', 'hang');
      await temporal.withWorker(world.activities(), async () => {
        const handle = await temporal.start('longOperation');
        while (!world.begun().includes('last')) await new Promise((resolve) => setTimeout(resolve, 20));
        await (by === 'signal' ? handle.signal('stop', 'cancel') : handle.cancel());
        await handle.result();
      });
      expect(world.outcomes).toMatchObject([{ end: 'cancelled', leftovers: [] }]);
      expect(world.undone().sort()).toEqual([...LANES, 'last']);
      expect(world.outcomes[0]!.undoneLines).toHaveLength(31);
    },
  );
});
