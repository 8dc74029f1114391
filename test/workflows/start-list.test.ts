import { layOut, type Entry } from '../../workflows/engine/step.js';
import { DEFAULT_SETTINGS } from '../../workflows/model/settings.js';
import { LISTS } from '../../workflows/steps/lists.js';
import type { Act } from '../../workflows/stubs.js';
import { aNode, runningCluster } from '../fakes/cluster-facts.js';

/** Names of the nodes that a start of a cluster in Alert has steps for. */
function started(revision?: number): string[] {
  const off = { running: false };
  const facts = runningCluster(1, 1, {
    state: 'Alert',
    nodes: [aNode('control', 1, off), aNode('worker', 1, off), aNode('worker', 2, { ...off, phase: 'defined' })],
    ...(revision !== undefined && { revision }),
  });
  const names = new Set<string>();
  const collect = (entries: Entry<Act>[]): void =>
    entries.forEach((entry) =>
      'step' in entry ? names.add(/^(\w+-\d+):/.exec(entry.step.title)?.[1] ?? '') : entry.lanes.forEach(collect),
    );
  collect(layOut(LISTS.start.steps(facts, DEFAULT_SETTINGS)).entries);
  return [...names].filter(Boolean).sort();
}

test('a start leaves a node that a scale left half-made to its resume or cancel', () => {
  expect(started()).toEqual(['control-1', 'worker-1']);
});

test('a start that an older build began goes on with all nodes', () => {
  expect(started(3)).toEqual(['control-1', 'worker-1', 'worker-2']);
});
