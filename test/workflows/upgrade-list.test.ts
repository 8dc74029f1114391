import { layOut, type Entry, type Step } from '../../workflows/engine/step.js';
import { DEFAULT_SETTINGS } from '../../workflows/model/settings.js';
import type { NodeFacts } from '../../workflows/model/operation.js';
import { LISTS } from '../../workflows/steps/lists.js';
import type { Act } from '../../workflows/stubs.js';
import { aNode, runningCluster } from '../fakes/cluster-facts.js';

/** The steps of an upgrade of one control node and two workers, the second one as given. */
const stepsOf = (second: Partial<NodeFacts>) =>
  stepsWith([aNode('control', 1), aNode('worker', 1), aNode('worker', 2, second)]);

function stepsWith(nodes: NodeFacts[]): Step<Act>[] {
  const count = (role: string) => nodes.filter((node) => node.role === role).length;
  const facts = runningCluster(count('control'), count('worker'), {
    nodes,
    request: { version: { id: 'v34', semantic: '1.34.1' } },
  });
  const steps: Step<Act>[] = [];
  const collect = (entries: Entry<Act>[]): void =>
    entries.forEach((entry) => {
      if ('step' in entry) steps.push(entry.step);
      else entry.lanes.forEach(collect);
    });
  collect(layOut(LISTS.upgrade.steps(facts, DEFAULT_SETTINGS)).entries);
  return steps;
}
const titlesOf = (manualUpgrade: boolean) => stepsOf({ external: true, manualUpgrade }).map(({ title }) => title);

test('a node marked for manual upgrade is touched by no step of an upgrade', () => {
  const ofTheNode = (titles: string[]) => titles.filter((title) => title.includes('worker-2'));
  expect(ofTheNode(titlesOf(true))).toEqual([]);
  expect(ofTheNode(titlesOf(false))).not.toEqual([]);
  // Nothing but its steps is missing.
  expect(titlesOf(true)).toEqual(titlesOf(false).filter((title) => !title.includes('worker-2')));
});

test('a node that has the version staged is not staged again; its medium is ejected and it is upgraded', () => {
  const skipped = stepsOf({ staged: '1.34.1' }).filter(({ title, skip }) => title.startsWith('worker-2') && skip);
  expect(skipped.map(({ title }) => title)).toEqual([
    'worker-2: attach the medium of 1.34.1',
    'worker-2: stage 1.34.1',
  ]);
});

test('media are ejected before the first node is drained, and a node that runs the version has none', () => {
  const steps = stepsOf({ version: '1.34.1' });
  const at = (words: string) => steps.findIndex(({ title }) => title.includes(words));
  expect(at('worker-1: eject')).toBeLessThan(at('control-1: drain'));
  expect(steps[at('worker-1: eject')]).toMatchObject({ skip: false });
  expect(steps[at('worker-2: eject')]).toMatchObject({ skip: 'worker-2 runs 1.34.1' });
});

test('before another control node is drained, etcd is healthy and the upgraded one is back in service (report 15)', () => {
  const titles = stepsWith([1, 2, 3].map((i) => aNode('control', i))).map(({ title }) => title);
  const at = (title: string) => {
    expect(titles).toContain(title);
    return titles.indexOf(title);
  };
  const gates = ['wait until Ready at 1.34.1, and schedule on it again', 'put it back into the balancer', 'wait for a healthy etcd'];
  for (const [i, next] of [[1, 2], [2, 3]])
    for (const gate of gates) expect(at(`control-${i}: ${gate}`)).toBeLessThan(at(`control-${next}: drain`));
}); // prettier-ignore
