import { layOut, type Entry } from '../../workflows/engine/step.js';
import type { ClusterFacts, NodeFacts } from '../../workflows/model/operation.js';
import { DEFAULT_SETTINGS } from '../../workflows/model/settings.js';
import { LISTS } from '../../workflows/steps/lists.js';
import type { Act } from '../../workflows/stubs.js';
import { aNode, runningCluster } from '../fakes/cluster-facts.js';

/** Titles that tell when control-1 leaves etcd and when its successor joins. */
function order(lost: Partial<NodeFacts>, more: Partial<ClusterFacts> = {}): string[] {
  const facts = runningCluster(3, 1, {
    nodes: [aNode('control', 1, lost), aNode('control', 2), aNode('control', 3), aNode('worker', 1)],
    request: { machineIds: ['vm-control-1'] },
    ...more,
  });
  const titles: string[] = [];
  const collect = (entries: Entry<Act>[]): void =>
    entries.forEach((entry) => ('step' in entry ? titles.push(entry.step.title) : entry.lanes.forEach(collect)));
  collect(layOut(LISTS.replaceNode.steps(facts, DEFAULT_SETTINGS)).entries);
  return titles.filter((title) => /etcd member|join the control plane/.test(title));
}
const SILENT = 'control-1: remove its silent etcd member';
const JOIN = 'control-4: join the control plane';
const LEAVE = 'control-1: remove its etcd member';

test.each([
  ['that is off leaves etcd before its successor joins, since etcd takes nobody in while a member is silent', { running: false }, {}, [SILENT, JOIN, LEAVE]],
  ['whose host is down does so too', { hostUp: false }, {}, [SILENT, JOIN, LEAVE]],
  ['that runs stays a member until its successor has joined', {}, {}, [JOIN, LEAVE]],
  ['of a cluster with etcd nodes has no member', { running: false }, { etcdCount: 3 }, [JOIN, LEAVE]],
  ['goes on as it began where the run began with an older build', { running: false }, { revision: 2 }, [JOIN, LEAVE]],
])('a control node %s', (_, lost, more, expected) => {
  expect(order(lost, more)).toEqual(expected);
}); // prettier-ignore
