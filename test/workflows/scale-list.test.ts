import { layOut, type Entry } from '../../workflows/engine/step.js';
import { LIST_REVISION, type NodeFacts, type OfferingSize } from '../../workflows/model/operation.js';
import { DEFAULT_SETTINGS } from '../../workflows/model/settings.js';
import { LISTS } from '../../workflows/steps/lists.js';
import type { Act } from '../../workflows/stubs.js';
import { aNode, runningCluster } from '../fakes/cluster-facts.js';

const LARGE: OfferingSize = { id: 'large', name: 'large', cpus: 8, ramMb: 8192 };

/** What a change of the etcd nodes' offering does with the one that is there. */
function steps(etcd: Partial<NodeFacts>, revision?: number): string[] {
  const facts = runningCluster(1, 1, {
    state: 'Alert',
    etcdCount: 1,
    nodes: [aNode('etcd', 1, etcd), aNode('control', 1), aNode('worker', 1)],
    request: { offerings: { etcd: LARGE } },
    ...(revision !== undefined && { revision }),
  });
  const found: string[] = [];
  const collect = (entries: Entry<Act>[]): void =>
    entries.forEach((entry) => {
      if ('lanes' in entry) entry.lanes.forEach(collect);
      else if (entry.step.title.startsWith('etcd-1: ') && !entry.step.skip) found.push(entry.step.title.slice(8));
    });
  collect(layOut(LISTS.scale.steps(facts, DEFAULT_SETTINGS)).entries);
  return found;
}
const START = ['start the machine', 'wait for a healthy etcd'];

test.each([
  ['of another size is switched off for it', { running: true }, undefined, ['stop the machine', 'change to large', ...START]],
  ['that was left off with its new size is started', { running: false, offeringId: 'large' }, undefined, ['stop the machine', ...START]],
  ['that has the size and runs is left alone', { running: true, offeringId: 'large' }, undefined, []],
  ['goes on as it began where the run began with an older build', { running: false, offeringId: 'large' }, 3, []],
])('an etcd member %s', (_, etcd, revision, expected) => {
  expect(steps({ maxCpus: 2, ...etcd }, revision)).toEqual(expected);
}); // prettier-ignore

test('an etcd member that was left off is started before the API server is waited for, which needs it', () => {
  const facts = (revision: number) =>
    runningCluster(1, 1, {
      state: 'Alert', etcdCount: 1, request: { offerings: { etcd: LARGE } }, revision,
      nodes: [aNode('etcd', 1, { running: false, offeringId: 'large' }), aNode('control', 1), aNode('worker', 1)],
    }); // prettier-ignore
  const titles = (revision: number) => layOut(LISTS.scale.steps(facts(revision), DEFAULT_SETTINGS)).lines.map(({ title }) => title);
  const API = 'wait for the API server through the balancer';
  const own = ['stop the machine', 'change to large', ...START].map((title) => `etcd-1: ${title}`);
  expect(titles(LIST_REVISION)).toEqual([...own, API, 'record the new size']);
  expect(titles(4)).toEqual([API, ...own, 'record the new size']);
}); // prettier-ignore

test.each([
  ['one after the other', LIST_REVISION, 2],
  ['side by side where the run began with an older build', 4, 3],
])('control nodes that leave together leave %s', (_, revision, lanes) => {
  const nodes = [...[1, 2, 3].map((index) => aNode('control', index)), aNode('worker', 1), aNode('worker', 2)];
  const leave = ['vm-control-1', 'vm-control-2', 'vm-worker-2'];
  const facts = runningCluster(3, 2, { nodes, request: { machineIds: leave }, revision });
  const group = layOut(LISTS.scale.steps(facts, DEFAULT_SETTINGS)).entries.find((entry) => 'lanes' in entry)!;
  const members = group.lanes.map((lane) =>
    lane.flatMap((entry) => ('step' in entry ? entry.step.title : [])).filter((title) => title.includes('etcd member')),
  );
  expect(members).toHaveLength(lanes);
  const own = ['control-1: remove its etcd member', 'control-2: remove its etcd member'];
  expect(members.filter((lane) => lane.length > 0)).toEqual(lanes === 2 ? [own] : own.map((title) => [title]));
});

test.each([
  ['is a point of no return: a cancel finishes the row', LIST_REVISION, true],
  ['is taken for undone where the run began with an older build', 4, false],
])('the record of the new size %s', (_, revision, expected) => {
  const facts = runningCluster(1, 1, { request: { size: 2 }, revision });
  const record = LISTS.scale.steps(facts, DEFAULT_SETTINGS).at(-1)!;
  expect(record.title).toBe('record the new size');
  expect(['noReturn', 'undo'].map((name) => name in record)).toEqual([expected, expected]);
});
