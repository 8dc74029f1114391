import type { Item } from '../engine/step.js';
import { isBefore, nodeLabel, type ClusterFacts, type NodeFacts, type NodeRef } from '../model/operation.js';
import type { Settings } from '../model/settings.js';
import type { Act } from '../stubs.js';
import { ejectVersionMedium, hasReached, installSteps, readySteps } from './boot-node.js';
import { bootContext, further, nodesOf, type BootContext } from './context.js';
import { waitApi } from './join-node.js';
import { drain } from './leave-node.js';

/** Takes the user's own machines in as workers (`behaviour.md` §5.9); one that does not join is let go again, the others stay. */
export function addNodesSteps(facts: ClusterFacts, settings: Settings): Item<Act>[] {
  const context = bootContext(facts, settings);
  const asked = facts.request.machineIds ?? [];
  const known = nodesOf(facts, 'worker').filter(({ machineId }) => asked.includes(machineId));
  const numbers = further(facts, 'worker', asked.length - known.length);
  let next = 0;
  const nodes = asked.map((machineId) => ({
    machineId,
    node: known.find((one) => one.machineId === machineId) ?? numbers[next++]!,
  }));
  return [
    waitApi(context),
    {
      title: nodes.length === 1 ? 'one machine joins' : `${nodes.length} machines join`,
      width: settings['cks.operation.width'],
      isolated: true,
      lanes: nodes.map(({ node, machineId }) => addNode(context, node, machineId)),
    },
    ...recordCounts(facts),
  ];
}

function addNode(context: BootContext, node: NodeRef, machineId: string): Item<Act>[] {
  const { facts, settings } = context;
  const label = nodeLabel(node);
  return [
    {
      title: `${label}: take the machine in`,
      kind: 'store.adopt',
      limitSeconds: 60,
      run: ({ store }) => store.adoptMachine(node, machineId, facts.request.manualUpgrade ?? false),
      undo: async ({ store, gateway }) => {
        await store.removeNode(node);
        // Another machine's lane may have added the forward again before this one was let go.
        if (!isBefore(5, facts)) await gateway.removeNodeRules(node);
      },
    },
    {
      title: `${label}: add its forward`,
      kind: 'network.gateway',
      limitSeconds: settings['cks.network.timeout'],
      skip: facts.networkShared && 'a shared network has no gateway',
      run: ({ gateway }) => gateway.apply(),
      undo: ({ gateway }) => gateway.removeNodeRules(node),
    },
    {
      title: `${label}: wait for SSH`,
      kind: 'machine.ssh',
      wait: true,
      limitSeconds: settings['cks.node.boot.timeout'],
      run: ({ node: guest }) => guest.waitReachable(node),
    },
    {
      title: `${label}: check that it can be a node`,
      kind: 'node.validate',
      limitSeconds: settings['cks.component.timeout'],
      run: ({ node: guest }) => guest.validate(node),
    },
    {
      title: `${label}: attach the version medium`,
      kind: 'medium.attach',
      limitSeconds: settings['cks.machine.timeout'],
      skip: hasReached(context, node, 'installed') && `${label} has it installed`,
      run: ({ hypervisor }) => hypervisor.attachVersionMedium(node, (facts.target ?? facts.version)!.id),
      undo: ({ hypervisor }) => hypervisor.ejectMedium(node, (facts.target ?? facts.version)!.id),
    },
    ...installSteps(context, node),
    {
      title: `${label}: join`,
      kind: 'node.join.worker',
      limitSeconds: settings['cks.node.kubeadm.timeout'],
      skip: hasReached(context, node, 'joined') && `${label} is in the cluster`,
      run: ({ node: guest }) => guest.joinWorker(node),
      undo: async ({ node: guest, kubernetes }) => {
        await guest.reset(node);
        await kubernetes.deleteNode(node);
      },
    },
    ...readySteps(context, node),
    { ...(ejectVersionMedium(context, node, `${label}/installed`) as object), keep: true } as Item<Act>,
  ];
}

/** Lets the user's machines go: drained, reset, no Node object, no rules; the machines stay as they are (`behaviour.md` §5.10). */
export function removeNodesSteps(facts: ClusterFacts, settings: Settings): Item<Act>[] {
  const context = bootContext(facts, settings);
  const leaving = facts.nodes.filter(
    ({ machineId, external }) => external && facts.request.machineIds?.includes(machineId),
  );
  return [
    waitApi(context),
    {
      title: leaving.length === 1 ? 'one machine leaves' : `${leaving.length} machines leave`,
      width: settings['cks.drain.width'],
      lanes: leaving.map((node) => removeNode(context, node)),
    },
    ...recordCounts(facts),
  ];
}

function removeNode(context: BootContext, node: NodeFacts): Item<Act>[] {
  const { settings } = context;
  const label = nodeLabel(node);
  const finish = async ({ kubernetes, gateway, store }: Act) => {
    await kubernetes.deleteNode(node);
    await gateway.removeNodeRules(node);
    await store.removeNode(node);
  };
  return [
    drain(context, node, !node.running && 'its machine is off'),
    {
      title: `${label}: reset it`,
      kind: 'node.reset',
      // A machine that does not answer is let go all the same: its Node object is deleted.
      optional: true,
      noReturn: true,
      limitSeconds: settings['cks.component.timeout'],
      skip: !node.running && 'its machine is off',
      run: ({ node: guest }) => guest.reset(node),
      undo: finish,
    },
    {
      title: `${label}: delete its Node object`,
      kind: 'kubernetes.delete',
      limitSeconds: settings['cks.api.timeout'],
      run: ({ kubernetes }) => kubernetes.deleteNode(node),
      undo: finish,
    },
    {
      title: `${label}: remove its forward`,
      kind: 'network.gateway',
      limitSeconds: settings['cks.network.timeout'],
      run: ({ gateway }) => gateway.removeNodeRules(node),
    },
    {
      title: `${label}: let the machine go`,
      kind: 'store.release',
      limitSeconds: 60,
      keep: true,
      run: ({ store }) => store.removeNode(node),
    },
  ];
}

/** Taking a machine in and letting it go record the counts; runs of the time before revision 2 did so again. */
const recordCounts = (facts: ClusterFacts): Item<Act>[] =>
  isBefore(2, facts)
    ? [
        {
          title: 'record the new size',
          kind: 'store.record',
          limitSeconds: 60,
          run: ({ store }) => store.recordCounts(),
          undo: ({ store }) => store.recordCounts(),
        },
      ]
    : [];
