import type { NodeFacts, OfferingSize } from '../../workflows/model/operation.js';
import { chooseWorkers, fitsLive } from '../../workflows/model/scale-choice.js';
import { checkScale, isLocalUrl, type ScaleFacts, type ScaleWish } from '../../workflows/model/scale-rules.js';

const node = (role: NodeFacts['role'], index: number, more: Partial<NodeFacts> = {}): NodeFacts => ({
  role, index, machineId: `${role}-${index}`, name: `demo-${role}-${index}`, hostId: 'h', phase: 'ready', running: true, hostUp: true, version: '1.34.2', staged: null,
  draining: false, external: false, manualUpgrade: false, addedNow: false, offeringId: 'small', maxCpus: 4, maxRamMb: 4096, ...more,
}); // prettier-ignore
const size = (name: string, cpus: number, ramMb: number): OfferingSize => ({ id: name, name, cpus, ramMb });
const SMALL = size('small', 2, 2048);
const LARGE = size('large', 4, 4096);
const NODES = [node('control', 1), node('worker', 1), node('worker', 2), node('worker', 3, { external: true })];
const FACTS: ScaleFacts = {
  state: 'Running',
  nodes: NODES,
  version: { name: 'v1.34.2', semantic: '1.34.2', minCpu: 2, minRamMb: 2048 },
  current: { control: SMALL, worker: SMALL },
  maxSize: 10,
  endpointUrl: 'http://192.0.2.1:8080/client/api',
};
const NONE: ScaleWish = { machineIds: [], offerings: {} };
const autoscale = (more: Partial<ScaleWish> = {}): Partial<ScaleWish> => ({
  autoscaling: true,
  min: 1,
  max: 3,
  ...more,
});

const refusal = (wish: Partial<ScaleWish>, facts: Partial<ScaleFacts> = {}): string | undefined => {
  const checked = checkScale({ ...NONE, ...wish }, { ...FACTS, ...facts });
  return 'refusal' in checked ? checked.refusal : undefined;
};

describe('a scale is refused', () => {
  test.each<[string, Partial<ScaleWish>, Partial<ScaleFacts>, string]>([
    ['that asks for nothing', {}, {}, 'Nothing to scale'],
    ['autoscaling with size', autoscale({ size: 4 }), {}, 'cannot be combined with size or nodeids'],
    ['autoscaling with nodeids', autoscale({ machineIds: ['worker-1'] }), {}, 'cannot be combined with size or nodeids'],
    ['autoscaling on 1.14', autoscale(), { version: { ...FACTS.version!, semantic: '1.14.10' } }, 'needs Kubernetes 1.15.0'],
    ['autoscaling on 1.9, which is below 1.15 as a number', autoscale(), { version: { ...FACTS.version!, semantic: '1.9.0' } }, 'has 1.9.0'],
    ['autoscaling without a version', autoscale(), { version: undefined }, 'has none'],
    ['autoscaling with a local endpoint', autoscale(), { endpointUrl: 'http://localhost:8080/client/api' }, 'endpoint.url'],
    ['autoscaling without minsize', { autoscaling: true, max: 3 }, {}, 'needs minsize and maxsize'],
    ['autoscaling without maxsize', { autoscaling: true, min: 1 }, {}, 'needs minsize and maxsize'],
    ['minsize 0', autoscale({ min: 0 }), {}, 'minsize must be 1 or more, found 0'],
    ['maxsize equal to minsize', autoscale({ min: 3 }), {}, 'found 3 and 3'],
    ['maxsize below minsize', autoscale({ min: 4 }), {}, 'found 3 and 4'],
    ['maxsize above the maximum, control nodes counted', autoscale({ max: 10 }), {}, 'maxsize 10 and 1 control nodes'],
    ['autoscaling of a stopped cluster', autoscale(), { state: 'Stopped' }, 'running cluster only'],
    ['switching autoscaling off on a stopped cluster', { autoscaling: false }, { state: 'Stopped' }, 'running cluster only'],
    ['nodeids with size', { machineIds: ['worker-1'], size: 2 }, {}, 'cannot be combined with size'],
    ['nodeids with serviceofferingid', { machineIds: ['worker-1'], offerings: { default: LARGE } }, {}, 'cannot be combined'],
    ['nodeids with an offering for workers', { machineIds: ['worker-1'], offerings: { worker: LARGE } }, {}, 'cannot be combined'],
    ['nodeids of a stopped cluster', { machineIds: ['worker-1'] }, { state: 'Stopped' }, 'running cluster only'],
    ['nodeids that are not of the cluster', { machineIds: ['worker-1', 'other'] }, {}, 'not nodes of this cluster: other'],
    ['nodeids with the only control node', { machineIds: ['control-1'] }, {}, 'no control node left (it has 1)'],
    ['nodeids with all workers', { machineIds: ['worker-1', 'worker-2'] }, { nodes: NODES.slice(0, 3) }, 'no worker node left (it has 2)'],
    ['switching autoscaling off with size', { autoscaling: false, size: 4 }, {}, 'autoscalingenabled=false cannot be combined'],
    ['switching autoscaling off with nodeids', { autoscaling: false, machineIds: ['worker-1'] }, {}, 'autoscalingenabled=false cannot be combined'],
    ['nodeids with an external node', { machineIds: ['worker-3'] }, {}, 'use removeNodesFromKubernetesCluster'],
    ['nodeids with an etcd node', { machineIds: ['etcd-1'] }, { nodes: [...NODES, node('etcd', 1)] }, 'etcd nodes cannot be removed: demo-etcd-1'],
    ['an offering with 1 CPU', { offerings: { default: size('thin', 1, 4096) } }, { state: 'Stopped' }, 'has 1 CPUs and 4096 MB'],
    ['an offering with 1 GB', { offerings: { control: size('thin', 2, 1024) } }, { state: 'Stopped' }, 'need 2 and 2048 or more'],
    ["an offering below the version's minimum", { offerings: { default: LARGE } }, { version: { ...FACTS.version!, minCpu: 6 } }, 'need 6 and 2048'],
    ['a smaller offering, of memory, while Running', { offerings: { worker: SMALL } }, { current: { worker: LARGE } }, 'smaller than large, which worker nodes have'],
    ['a smaller offering, of CPUs, while Running', { offerings: { default: size('flat', 2, 8192) } }, { current: { control: LARGE } }, 'which control nodes have'],
    ['another size while Stopped', { size: 4 }, { state: 'Stopped' }, 'this one is Stopped'],
    ['size 0', { size: 0 }, {}, 'size must be 1 or more, found 0'],
    ['a negative size', { size: -1 }, {}, 'found -1'],
    ['a size above the maximum, control nodes counted', { size: 10 }, {}, '1 control nodes and 10 workers'],
    ['a size below the external nodes', { size: 1 }, { nodes: [...NODES, node('worker', 4, { external: true })] }, 'less than the 2 nodes that you added'],
  ])('%s', (_, wish, facts, words) => {
    expect(refusal(wish, facts)).toContain(words);
  }); // prettier-ignore
});

describe('a scale is taken', () => {
  test.each<[string, Partial<ScaleWish>, Partial<ScaleFacts>]>([
    ['with the size that it has', { size: 3 }, {}],
    ['with the size that it has, while Stopped', { size: 3 }, { state: 'Stopped' }],
    ['up to the maximum', { size: 9 }, {}],
    ['of autoscaling up to the maximum', autoscale({ max: 9 }), {}],
    ['of autoscaling on 1.15.0', autoscale(), { version: { ...FACTS.version!, semantic: '1.15.0' } }],
    ['of autoscaling off, whatever the endpoint', { autoscaling: false }, { endpointUrl: 'http://localhost/' }],
    ['to a smaller offering while Stopped', { offerings: { worker: SMALL } }, { state: 'Stopped', current: { worker: LARGE } }],
    ['of nodeids with an offering for control nodes', { machineIds: ['worker-1'], offerings: { control: LARGE } }, {}],
    ['of nodeids with one of two control nodes', { machineIds: ['control-2'] }, { nodes: [...NODES, node('control', 2)] }],
    ['of nodeids with all regular workers, when an external one stays', { machineIds: ['worker-1', 'worker-2'] }, {}],
  ])('%s', (_, wish, facts) => {
    expect(refusal(wish, facts)).toBeUndefined();
  }); // prettier-ignore

  test('and recorded as the offering of each role that has nodes: its own, else the default one (report 12)', () => {
    const checked = checkScale({ ...NONE, size: 4, offerings: { default: LARGE, control: SMALL, etcd: LARGE } }, FACTS);
    expect(checked).toEqual({
      request: { size: 4, offerings: { control: SMALL, worker: LARGE }, defaultOffering: LARGE },
    });
  });

  test('and recorded with the bounds of autoscaling, and without any when it is switched off', () => {
    expect(checkScale({ ...NONE, ...autoscale() }, FACTS)).toEqual({ request: { autoscaling: { enabled: true, min: 1, max: 3 } } }); // prettier-ignore
    expect(checkScale({ ...NONE, autoscaling: false }, FACTS)).toEqual({
      request: { autoscaling: { enabled: false } },
    });
  });
});

test.each([
  ['', true], [' ', true], ['http://localhost:8080/client/api', true], ['http://LOCALHOST/', true], ['http://127.0.0.1:8080/', true], ['http://[::1]/', true],
  ['http://192.0.2.1:8080/client/api', false], ['https://cloud.example.com/client/api', false],
])('endpoint.url "%s" is local: %s', (url, local) => {
  expect(isLocalUrl(url)).toBe(local);
}); // prettier-ignore

describe('of the workers', () => {
  const choose = (request: { size?: number; machineIds?: string[] }, nodes = NODES) => {
    const { begun, more, leaving } = chooseWorkers({ nodes, request });
    return { begun: begun.map(({ machineId }) => machineId), more, leaving: leaving.map(({ machineId }) => machineId) };
  };
  const many = [node('control', 1), ...[1, 2, 3, 4].map((i) => node('worker', i)), node('worker', 5, { external: true }), node('etcd', 1)]; // prettier-ignore

  test.each<[string, { size?: number; machineIds?: string[] }, NodeFacts[], { begun: string[]; more: number; leaving: string[] }]>([
    ['none comes or goes without a size', {}, many, { begun: [], more: 0, leaving: [] }],
    ['none comes or goes with the same size', { size: 5 }, many, { begun: [], more: 0, leaving: [] }],
    ['as many come as are missing, external ones counted', { size: 7 }, many, { begun: [], more: 2, leaving: [] }],
    ['the newest leave first, never the external one (report 7)', { size: 3 }, many, { begun: [], more: 0, leaving: ['worker-4', 'worker-3'] }],
    ['the newest is the one with the highest number, however rows are ordered', { size: 4 }, [...many].reverse(), { begun: [], more: 0, leaving: ['worker-4'] }],
    ['exactly the named ones leave', { machineIds: ['worker-2', 'worker-1'] }, many, { begun: [], more: 0, leaving: ['worker-1', 'worker-2'] }],
    ['a control node leaves only by name', { machineIds: ['control-1'] }, many, { begun: [], more: 0, leaving: ['control-1'] }],
    ['an external one does not leave by name', { machineIds: ['worker-5', 'worker-4'] }, many, { begun: [], more: 0, leaving: ['worker-4'] }],
    [
      'a further attempt goes on with those that the first one began',
      { size: 6 },
      [...many, node('worker', 6, { addedNow: true, phase: 'started' })],
      { begun: ['worker-6'], more: 0, leaving: [] },
    ],
    [
      'a further attempt makes only what is still missing',
      { size: 8 },
      [...many, node('worker', 6, { addedNow: true, phase: 'reserved' })],
      { begun: ['worker-6'], more: 2, leaving: [] },
    ],
  ])('%s', (_, request, nodes, wanted) => {
    expect(choose(request, nodes)).toEqual(wanted);
  }); // prettier-ignore

  test('one is resized while it runs only as far as its machine was made for (report 13)', () => {
    expect(fitsLive(node('worker', 1), LARGE)).toBe(true);
    expect(fitsLive(node('worker', 1), size('cpus', 5, 4096))).toBe(false);
    expect(fitsLive(node('worker', 1), size('ram', 4, 4097))).toBe(false);
  });
});
