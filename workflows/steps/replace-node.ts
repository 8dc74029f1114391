import type { Item } from '../engine/step.js';
import { fault } from '../model/fault.js';
import type { ClusterFacts } from '../model/operation.js';
import type { Settings } from '../model/settings.js';
import type { Act } from '../stubs.js';
import { bootContext, further, nodesOf } from './context.js';
import { waitApi } from './join-node.js';
import { replace } from './scale-cluster.js';

/** A new node in the place of one that is lost or ill: the new one first, then the old one leaves (design §5 "A dead host"). */
export function replaceNodeSteps(facts: ClusterFacts, settings: Settings): Item<Act>[] {
  const context = bootContext(facts, settings);
  const old = facts.nodes.find(({ machineId, addedNow }) => facts.request.machineIds?.includes(machineId) && !addedNow);
  const made = facts.nodes.find(({ addedNow }) => addedNow);
  const tail: Item<Act> = {
    title: 'record the nodes',
    kind: 'store.record',
    limitSeconds: 60,
    keep: true,
    run: ({ store }) => store.recordCounts(),
  };
  if (!old) return [tail];
  if (old.role === 'etcd') throw fault('Refused', 'a dedicated etcd node cannot be replaced: its disk is its data');
  const next = made ?? further(facts, old.role, 1)[0]!;
  return [waitApi(context), ...replace(context, old, next), tail];
}

/** Nodes of a role that could be lost next without losing the cluster: what `replaceKubernetesNode` checks first. */
export const isOnlyControl = (facts: ClusterFacts, machineId: string): boolean => {
  const controls = nodesOf(facts, 'control');
  return controls.length === 1 && controls[0]?.machineId === machineId;
};
