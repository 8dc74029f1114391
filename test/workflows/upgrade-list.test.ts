import { layOut, type Entry } from '../../workflows/engine/step.js';
import { DEFAULT_SETTINGS } from '../../workflows/model/settings.js';
import { LISTS } from '../../workflows/steps/lists.js';
import type { Act } from '../../workflows/stubs.js';
import { aNode, runningCluster } from '../fakes/cluster-facts.js';

/** The titles of an upgrade of one control node and two workers of a user's own. */
function titlesOf(manualUpgrade: boolean): string[] {
  const own = { external: true, manualUpgrade };
  const facts = runningCluster(1, 2, {
    nodes: [aNode('control', 1), aNode('worker', 1), aNode('worker', 2, own)],
    request: { version: { id: 'v34', semantic: '1.34.1' } },
  });
  const titles: string[] = [];
  const collect = (entries: Entry<Act>[]): void =>
    entries.forEach((entry) => {
      if ('step' in entry) titles.push(entry.step.title);
      else entry.lanes.forEach(collect);
    });
  collect(layOut(LISTS.upgrade.steps(facts, DEFAULT_SETTINGS)).entries);
  return titles;
}

test('a node marked for manual upgrade is touched by no step of an upgrade', () => {
  const ofTheNode = (titles: string[]) => titles.filter((title) => title.includes('worker-2'));
  expect(ofTheNode(titlesOf(true))).toEqual([]);
  expect(ofTheNode(titlesOf(false))).not.toEqual([]);
  // Nothing but its steps is missing.
  expect(titlesOf(true)).toEqual(titlesOf(false).filter((title) => !title.includes('worker-2')));
});
