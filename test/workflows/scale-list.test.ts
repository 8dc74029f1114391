import { layOut, type Entry } from '../../workflows/engine/step.js';
import {
  LIST_REVISION,
  type NodeFacts,
  type OfferingSize,
  type OperationRequest,
} from '../../workflows/model/operation.js';
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
  ['is taken back to what the row has', LIST_REVISION, [true, true]],
  ['stays off, and is switched off where it was off, where the run began with an older build', 7, [true, false]],
])('an autoscaler whose change is cancelled %s', (_, revision, expected) => {
  const undo = (autoscaling: boolean) => {
    const request = { autoscaling: { enabled: !autoscaling, min: 1, max: 3 } };
    const items = LISTS.scale.steps(runningCluster(1, 1, { autoscaling, request, revision }), DEFAULT_SETTINGS);
    return items.some((item) => 'kind' in item && item.kind === 'component.autoscaler' && 'undo' in item);
  };
  expect([undo(false), undo(true)]).toEqual(expected);
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

describe('workers that are replaced for a larger offering', () => {
  const small = { maxCpus: 2 };
  const made = (index: number, replaces: string, more: Partial<NodeFacts> = {}) =>
    aNode('worker', index, { addedNow: true, offeringId: 'large', maxCpus: 16, replaces, ...more });
  const replacements = (workers: NodeFacts[], request: OperationRequest = {}, revision = LIST_REVISION) => {
    const facts = runningCluster(1, 3, {
      nodes: [aNode('control', 1), ...workers], request: { offerings: { worker: LARGE }, ...request }, revision,
    }); // prettier-ignore
    const { lines } = layOut(LISTS.scale.steps(facts, DEFAULT_SETTINGS));
    return lines.map(({ title }) => title).filter((title) => /^(replace|reserve) /.test(title) && !/^reserve worker-\d+:/.test(title)); // prettier-ignore
  };

  test('have one number each, beside those of further workers', () => {
    const workers = [1, 2].map((index) => aNode('worker', index, small));
    expect(replacements(workers)).toEqual(['replace worker-1 by worker-3', 'replace worker-2 by worker-4']);
    expect(replacements(workers, { size: 4 })).toEqual([
      'replace worker-1 by worker-5',
      'replace worker-2 by worker-6',
      'reserve 2 nodes: machines, addresses and hosts',
    ]);
  });

  const halfDone = [
    aNode('worker', 2, small),
    aNode('worker', 3, small),
    made(4, 'vm-worker-1'),
    made(5, 'vm-worker-2', { phase: 'reserved' }),
  ];
  test('keep their places when the operation is resumed after some of them are done', () => {
    expect(replacements(halfDone)).toEqual(['replace worker-2 by worker-5', 'replace worker-3 by worker-6']);
    expect(replacements(halfDone, {}, 5)).toEqual(['replace worker-2 by worker-4', 'replace worker-3 by worker-5']);
  });

  test('count as one with their successor: no worker more or less is wanted for it', () => {
    expect(replacements(halfDone, { size: 3 })).toEqual(replacements(halfDone));
    expect(replacements(halfDone, { size: 5 })).toEqual([
      'replace worker-2 by worker-5',
      'replace worker-3 by worker-8',
      'reserve 2 nodes: machines, addresses and hosts',
    ]);
  });
});

describe('a node that gets a larger offering', () => {
  /** Of 2 CPUs, on a host that has so many CPUs left; its own maximum would do. */
  const on = (hostId: string, freeCpus: number, more: Partial<NodeFacts> = {}): Partial<NodeFacts> => ({
    hostId, maxCpus: 16, maxRamMb: 16384, room: { cpus: 2, ramMb: 2048, freeCpus, freeRamMb: 65536 }, ...more,
  }); // prettier-ignore
  const held = { cpus: 8, ramMb: 8192, freeCpus: 0, freeRamMb: 0 };
  /** What becomes of each: it grows where it is, or another takes its place. */
  const ends = (nodes: NodeFacts[], request: OperationRequest = {}, revision = LIST_REVISION) => {
    const offerings = { control: LARGE, worker: LARGE, ...(nodes.some(({ role }) => role === 'etcd') && { etcd: LARGE }) }; // prettier-ignore
    const facts = runningCluster(1, 1, { nodes, request: { offerings, ...request }, revision });
    return layOut(LISTS.scale.steps(facts, DEFAULT_SETTINGS)).lines.flatMap(
      ({ title }) => /^\S+: change to large$|^replace .*/.exec(title) ?? [],
    );
  };
  const [grows1, grows2] = ['worker-1: change to large', 'worker-2: change to large'];
  const control = aNode('control', 1, { offeringId: 'large' });

  test.each<[string, NodeFacts[], string[]]>([
    ['grows where its host has the room', [aNode('worker', 1, on('h', 6))], [grows1]],
    ['is replaced where its host lacks a CPU', [aNode('worker', 1, on('h', 5))], ['replace worker-1 by worker-2']],
    ['is replaced where its host lacks memory', [aNode('worker', 1, on('h', 9, { room: { cpus: 2, ramMb: 2048, freeCpus: 9, freeRamMb: 6143 } }))], ['replace worker-1 by worker-2']],
    ['shares the room of its host: the first has it', [aNode('worker', 1, on('h', 11)), aNode('worker', 2, on('h', 11))], [grows1, 'replace worker-2 by worker-3']],
    ['shares no room with those on other hosts', [aNode('worker', 1, on('h', 6)), aNode('worker', 2, on('i', 6))], [grows1, grows2]],
    ['grows where it holds the room already, whatever is left', [aNode('worker', 1, on('h', 0, { room: held })), aNode('worker', 2, on('h', 0))], [grows1, 'replace worker-2 by worker-3']],
    ['goes once another was made for it, whatever is left', [aNode('worker', 1, on('h', 60)), aNode('worker', 2, { addedNow: true, offeringId: 'large', replaces: 'vm-worker-1' })], ['replace worker-1 by worker-2']],
    ['grows though an earlier operation made another for it', [aNode('worker', 1, on('h', 60)), aNode('worker', 2, { offeringId: 'large', replaces: 'vm-worker-1' })], [grows1]],
    ['grows where nothing is known of its host', [aNode('worker', 1, { maxCpus: 16, maxRamMb: 16384 })], [grows1]],
  ])('%s', (_, workers, expected) => {
    expect(ends([control, ...workers])).toEqual(expected);
  }); // prettier-ignore

  test('leaves the room to etcd members on its host, which cannot go elsewhere', () => {
    const member = (free: number) => [aNode('etcd', 1, on('h', free)), aNode('control', 1, on('h', free))];
    expect(ends(member(12))).toEqual(['control-1: change to large', 'etcd-1: change to large']);
    expect(ends(member(11))).toEqual(['etcd-1: change to large', 'replace control-1 by control-2']);
    expect(ends([aNode('etcd', 1, on('h', 0))])).toEqual(['etcd-1: change to large']);
  });

  test('has the room of those that leave its host before', () => {
    const workers = [aNode('worker', 1, on('h', 4)), aNode('worker', 2, on('h', 4))];
    expect(ends([control, ...workers], { size: 1 })).toEqual([grows1]);
    expect(ends([control, workers[0]!], { size: 1 })).toEqual(['replace worker-1 by worker-2']);
  });

  test('grows or fails where it is in a run that began with an older build', () => {
    expect(ends([control, aNode('worker', 1, on('h', 0))], {}, 6)).toEqual([grows1]);
  });
});
