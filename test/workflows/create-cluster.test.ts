import { defineSearchAttributeKey } from '@temporalio/common';
import { aNode, newCluster } from '../fakes/cluster-facts.js';
import { OperationWorld } from '../fakes/operation-world.js';
import { TemporalFixture } from '../fakes/temporal.js';
import { layOut } from '../../workflows/engine/step.js';
import { DEFAULT_SETTINGS } from '../../workflows/model/settings.js';
import { createClusterSteps } from '../../workflows/steps/create-cluster.js';

const STATE = defineSearchAttributeKey('CksState', 'KEYWORD');

let temporal: TemporalFixture;
beforeAll(async () => {
  temporal = await TemporalFixture.start();
}, 120_000);
afterAll(() => temporal?.stop());

const { lines } = layOut(createClusterSteps(newCluster(2, 2), DEFAULT_SETTINGS));
const titles = lines.filter(({ kind }) => kind !== 'group').map(({ title }) => title);
const afterOf = new Map(lines.map(({ title, after }) => [title, after.map((line) => lines[line]!)]));

const run = (
  world: OperationWorld,
  during: (handle: Awaited<ReturnType<TemporalFixture['start']>>) => Promise<void> = async () => undefined,
) =>
  temporal.withWorker(world.activities(), async () => {
    const handle = await temporal.start('createCluster');
    await during(handle);
    // As the Temporal Web UI shows it: how it ended, and why, comes first.
    expect(Object.keys((await handle.result()) as object)[0]).toBe('end');
    // Ended operations are searched by how they ended: their runs complete in any case.
    expect((await handle.describe()).typedSearchAttributes.get(STATE)).toBe(world.outcomes[0]?.end);
    return world.outcomes[0];
  });

const when = (world: OperationWorld, title: string) =>
  new Promise<void>((resolve) => {
    const before = world.onBegin;
    world.onBegin = (call) => {
      if (call.title === title && !call.undo) resolve();
      return before(call);
    };
  });

test('a create runs every step of its plan once, none before those that it waits for', async () => {
  const world = new OperationWorld(newCluster(2, 2));
  const ended = new Set<string>();
  const early: string[] = [];
  world.onBegin = ({ title }) => {
    const missing = (afterOf.get(title) ?? []).filter((line) => line.kind !== 'group' && !ended.has(line.title));
    if (missing.length > 0) early.push(`${title} began before ${missing.map((line) => line.title).join(', ')}`);
  };
  const calls = world.calls;
  const push = calls.push.bind(calls);
  calls.push = (...items) => {
    for (const call of calls) if (call.end === 'done') ended.add(call.title);
    return push(...items);
  };
  const outcome = await run(world);
  expect(outcome).toMatchObject({ end: 'succeeded', leftovers: [] });
  expect(early).toEqual([]);
  expect([...world.begun()].sort()).toEqual([...titles].sort());
});

test('an undo that fails for good is listed and the rest is undone all the same', async () => {
  const world = new OperationWorld(newCluster(1, 1));
  world.troubles.set('worker-1: install Kubernetes', 'hang');
  world.undoTroubles.add('worker-1: define the machine');
  const begun = when(world, 'worker-1: install Kubernetes');
  const outcome = await run(world, async (handle) => {
    await begun;
    await handle.cancel(); // as the Temporal Web UI does
  });
  expect(outcome).toMatchObject({
    end: 'cancelled',
    leftovers: ['undo of "worker-1: define the machine": the thing is stuck'],
  });
  expect(world.undone()).toContain('control-1: define the machine');
  expect(world.undone().at(-1)).toBe('reserve 2 machines, their addresses and hosts');
});

test('a step that fails as a cancel stops it counts as undone, not as failed', async () => {
  const world = new OperationWorld(newCluster(1, 1));
  world.troubles.set('worker-1: install Kubernetes', 'failWhenStopped');
  const begun = when(world, 'worker-1: install Kubernetes');
  const outcome = await run(world, async (handle) => {
    await begun;
    await handle.signal('stop', 'cancel');
  });
  expect(outcome).toMatchObject({ end: 'cancelled', failedLines: [], leftovers: [] });
});

test('a step that fails twice is tried again and the create succeeds', async () => {
  const world = new OperationWorld(newCluster(1, 1));
  world.troubles.set('worker-1: join', 'failTwice');
  expect(await run(world)).toMatchObject({ end: 'succeeded' });
  expect(world.calls.filter(({ title }) => title === 'worker-1: join')).toHaveLength(3);
});

test('while paused no new step begins, and after the resume it goes on to the end', async () => {
  const world = new OperationWorld(newCluster(1, 1));
  const begun = when(world, 'control-1: wait for SSH');
  let atPause: string[] = [];
  const outcome = await run(world, async (handle) => {
    await begun;
    await handle.signal('pause', true);
    // A query is answered after the signal: from here on the pause holds; what runs ends.
    expect(await handle.query('progress')).toMatchObject({ paused: true });
    expect(await handle.query('__temporal_workflow_metadata')).toMatchObject({ currentDetails: expect.stringContaining(', paused') as string }); // prettier-ignore
    while (world.busy > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await handle.query('progress');
    while (world.busy > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    atPause = world.begun();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(world.begun()).toEqual(atPause);
    await handle.signal('pause', false);
  });
  expect(outcome).toMatchObject({ end: 'succeeded' });
  expect(world.begun().length).toBeGreaterThan(atPause.length);
});

test('a pause that is longer than the operation may take ends nothing, and its limit holds for the time that is left', async () => {
  const seconds = 4;
  const world = new OperationWorld(newCluster(1, 1), { 'cloud.kubernetes.cluster.start.timeout': seconds });
  world.troubles.set('worker-1: join', 'hang');
  const begun = when(world, 'control-1: wait for SSH');
  let resumed = 0;
  const outcome = await run(world, async (handle) => {
    await begun;
    await handle.signal('pause', true);
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds + 500));
    expect(await handle.query('progress')).toMatchObject({ paused: true });
    expect((await handle.describe()).status.name).toBe('RUNNING');
    await handle.signal('pause', false);
    resumed = world.begun().length;
  });
  expect(world.begun().length).toBeGreaterThan(resumed);
  expect(outcome).toMatchObject({ end: 'failed', fault: 'OperationTimeout' });
  expect(outcome?.reason).toContain('worker-1: join');
});

test.each([
  ['control-1: start the machine', 'hang'],
  ['network: set up gateway, forwards and balancer', 'hang'],
  ['control-1: run kubeadm init', 'hang'],
  ['control-1: run kubeadm init', 'failWhenStopped'],
] as const)(
  'past its setting the operation ends failed in the middle of "%s" (%s), naming it (report 1)',
  async (title, trouble) => {
    const world = new OperationWorld(newCluster(1, 1), { 'cloud.kubernetes.cluster.start.timeout': 1 });
    world.troubles.set(title, trouble);
    const outcome = await run(world);
    expect(outcome).toMatchObject({ end: 'failed', fault: 'OperationTimeout' });
    expect(outcome?.reason).toContain('took longer than cloud.kubernetes.cluster.start.timeout (1 s)');
    expect(outcome?.reason).toContain(title);
    expect(world.begun()).not.toContain('worker-1: join');
  },
);

test('a step past its own limit ends the operation with StepTimeout', async () => {
  const world = new OperationWorld(newCluster(1, 1), { 'cks.node.kubeadm.timeout': 1 });
  world.troubles.set('control-1: run kubeadm init', 'hang');
  expect(await run(world)).toMatchObject({ end: 'failed', fault: 'StepTimeout' });
});

test('no more nodes than the width are worked on, and no more installs on a host than its width (report 25)', async () => {
  const world = new OperationWorld(newCluster(1, 8), { 'cks.operation.width': 3 });
  const open = new Set<string>();
  let most = 0;
  world.onBegin = async ({ title }) => {
    const node = /^(control|worker)-\d+/.exec(title)?.[0];
    if (!node) return;
    if (title.endsWith('create the root volume')) open.add(node);
    most = Math.max(most, open.size);
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (title.endsWith('wait until Ready')) open.delete(node);
  };
  expect(await run(world)).toMatchObject({ end: 'succeeded' });
  expect(most).toBe(3);

  const narrow = new OperationWorld(newCluster(1, 6), { 'cks.host.install.width': 2 });
  let installing = 0;
  let mostInstalling = 0;
  narrow.onBegin = async ({ title }) => {
    if (!title.endsWith('install Kubernetes')) return;
    mostInstalling = Math.max(mostInstalling, ++installing);
    await new Promise((resolve) => setTimeout(resolve, 50));
    installing--;
  };
  expect(await run(narrow)).toMatchObject({ end: 'succeeded' });
  expect(mostInstalling).toBe(2);
});

test('a cluster whose nodes are Ready is created by skipping, each skip with its reason', async () => {
  const world = new OperationWorld({
    ...newCluster(1, 1),
    nodes: [aNode('control', 1), aNode('worker', 1)],
    hasRules: true, hasVerifiedRules: true, hasKeys: true, hasKubeconfig: true, hasProtection: true, components: ['dashboard', 'provider', 'cloud-secret'],
  }); // prettier-ignore
  expect(await run(world)).toMatchObject({ end: 'succeeded' });
  // That a node is Ready says nothing of its drives.
  const media = ['control-1', 'worker-1'].flatMap((node) => [
    `${node}: eject and delete the seed medium`,
    `${node}: eject the version medium`,
  ]);
  const left = [...media, 'wait for the API server through the balancer'];
  expect(world.begun().sort()).toEqual([...left].sort());
  expect(world.lines.filter(({ kind, skip }) => kind !== 'group' && skip === null)).toHaveLength(left.length);
});

test('an undo attempt runs no step and undoes what earlier attempts began', async () => {
  const world = new OperationWorld(newCluster(1, 1));
  world.claim = { ...world.claim, mode: 'undo', attempt: 2, begun: ['control-1: define the machine', 'make SSH keys'] };
  expect(await run(world)).toMatchObject({ end: 'cancelled', leftovers: [] });
  expect(world.begun()).toEqual([]);
  expect(world.undone()).toEqual(['control-1: define the machine', 'make SSH keys']);
});

test('a mistake in our own code ends as a failed operation, not as a stuck one (report 6)', async () => {
  const world = new OperationWorld({ ...newCluster(1, 1), nodes: null as never });
  expect(await run(world)).toMatchObject({ end: 'failed', fault: 'Internal' });
});
