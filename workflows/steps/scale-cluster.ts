import type { Group, Item } from '../engine/step.js';
import { chooseWorkers, fitsLive, GrowthRoom } from '../model/scale-choice.js';
import {
  isBefore,
  nodeLabel,
  type ClusterFacts,
  type NodeFacts,
  type NodeRef,
  type OfferingSize,
} from '../model/operation.js';
import type { Settings } from '../model/settings.js';
import type { Act } from '../stubs.js';
import { bootNode } from './boot-node.js';
import { bootContext, further, nodesOf, numbersOf, sideBySide, type BootContext, type Numbers } from './context.js';
import { joinControl, joinWorker, waitApi } from './join-node.js';
import { leaveNode } from './leave-node.js';

/** Changes a running cluster's size, offerings or autoscaling (`behaviour.md` §5.6). */
export function scaleClusterSteps(facts: ClusterFacts, settings: Settings): Item<Act>[] {
  const context = bootContext(facts, settings);
  const { request } = facts;
  // Before revision 6 new workers and those that replace old ones could get the same numbers.
  const numbers: Numbers = isBefore(6, facts) ? (role, count) => further(facts, role, count) : numbersOf(facts);
  if (request.autoscaling)
    return [...autoscalingSteps(context), ...offeringSteps(context, [], numbers), recordScale(facts)];
  const { begun, more, leaving } = chooseWorkers(facts);
  const coming = [...begun, ...numbers('worker', more)];
  const off = membersOff(facts);
  const offerings = offeringSteps(context, [...leaving, ...off], numbers);
  const shrink = leaving.length > 0 ? [leaveSteps(context, leaving)] : [];
  return [
    ...off.flatMap((node) => restart(settings, node, request.offerings!.etcd!)),
    waitApi(context),
    ...(coming.length > 0
      ? [...offerings, ...joinSteps(context, coming, request.offerings)]
      : [...shrink, ...offerings]),
    recordScale(facts),
  ];
}

/**
 * Dedicated etcd members that an attempt left off between their new size and their start. They come first: without most of them there is no
 * API server to wait for. Before revision 5 they had their turn after it.
 */
const membersOff = (facts: ClusterFacts): NodeFacts[] =>
  isBefore(5, facts) || !facts.request.offerings?.etcd ? [] : nodesOf(facts, 'etcd').filter(({ running }) => !running);

/** A stopped cluster's machines are given another size where they are. */
export function scaleStoppedSteps(facts: ClusterFacts, settings: Settings): Item<Act>[] {
  const { offerings = {} } = facts.request;
  const resized = facts.nodes.flatMap((node) => {
    const size = offerings[node.role];
    return size && !node.external ? [resize(settings, node, size)] : [];
  });
  return [
    { title: 'machines', width: settings['cks.operation.width'], lanes: resized.map((step) => [step]) },
    recordScale(facts),
  ];
}

/**
 * What the cluster's row says of sizes and offerings. By now it is true of the machines, so a cancel leaves them and finishes the row; before
 * revision 5 it took the machines back, and the row could keep the new size.
 */
const recordScale = (facts: ClusterFacts): Item<Act> => {
  const run = ({ store }: Act) => store.recordScale(facts.request);
  return {
    title: 'record the new size',
    kind: 'store.record',
    limitSeconds: 60,
    keep: true,
    run,
    ...(!isBefore(5, facts) && { noReturn: true, undo: run }),
  };
};

/** New nodes: reserved together, forwards added together while they are made, all at once. A cancel takes every one of them away again. */
export function joinSteps(
  context: BootContext,
  coming: readonly NodeRef[],
  offerings: ClusterFacts['request']['offerings'],
  { after, old }: { after?: NodeRef; old?: NodeFacts } = {},
): Item<Act>[] {
  const { facts, settings } = context;
  const names = coming.length === 1 ? nodeLabel(coming[0]!) : `${coming.length} nodes`;
  const isThere = (node: NodeRef) => facts.nodes.some((one) => one.role === node.role && one.index === node.index);
  return [
    {
      title: `reserve ${names}: machines, addresses and hosts`,
      kind: 'store.reserve',
      limitSeconds: 60,
      skip: coming.every(isThere) && 'all are reserved',
      run: async ({ store }) => context.place(await store.reserveNodes([...coming], offerings, old?.machineId)),
      undo: ({ store }) => store.releaseNodes([...coming]),
    },
    {
      title: `make SSH keys of ${names}`,
      kind: 'store.keys',
      limitSeconds: 60,
      run: ({ store }) => store.ensureKeys(),
    },
    ...sideBySide(
      facts,
      `network and machines of ${names}`,
      [
        {
          title: `network: add forwards to ${names}`,
          kind: 'network.gateway',
          key: 'gateway',
          limitSeconds: settings['cks.network.timeout'],
          skip: facts.networkShared && 'a shared network has no gateway',
          run: ({ gateway }) => gateway.apply(),
          undo: ({ gateway }) => gateway.removeNodeRules(...coming),
        },
      ],
      [
        {
          title: `new nodes: ${names}`,
          width: settings['cks.operation.width'],
          lanes: coming.map((node) =>
            bootNode(
              context,
              node,
              node.role === 'control' ? joinControl(context, node, after, true) : joinWorker(context, node, true),
            ),
          ),
        },
      ],
    ),
  ];
}

/**
 * Control nodes leave one after the other: etcd is asked by one that stays to remove a member. Before revision 5 they left side by side, and
 * that one could be leaving itself.
 */
export function leaveSteps(context: BootContext, leaving: readonly NodeFacts[]): Group<Act> {
  const inTurn = isBefore(5, context.facts) ? [] : leaving.filter(({ role }) => role === 'control');
  const others = leaving.filter((node) => !inTurn.includes(node));
  return {
    title: leaving.length === 1 ? `${nodeLabel(leaving[0]!)} leaves` : `${leaving.length} nodes leave`,
    width: context.settings['cks.drain.width'],
    lanes: [
      inTurn.flatMap((node) => leaveNode(context, node)),
      ...others.map((node) => leaveNode(context, node)),
    ].filter((lane) => lane.length > 0),
  };
}

/**
 * Other offerings, role by role: changed where they are if the machine allows it and its host has the room, else each node is replaced by a
 * new one. Before revision 7 the room was not looked at. An etcd member stays on its host whatever the room.
 */
function offeringSteps(context: BootContext, leaving: readonly NodeFacts[], numbers: Numbers): Item<Act>[] {
  const { facts, settings } = context;
  const { offerings = {} } = facts.request;
  // etcd members never leave: those among these are changed elsewhere in the list.
  const room = new GrowthRoom(facts, leaving.filter(({ role }) => role !== 'etcd')); // prettier-ignore
  if (offerings.etcd) for (const node of nodesOf(facts, 'etcd')) room.keep(node, offerings.etcd);
  const grows = (node: NodeFacts, size: OfferingSize) =>
    node.role === 'etcd' || isBefore(7, facts) ? fitsLive(node, size) : room.take(node, size);
  const growing: Item<Act>[] = [];
  const renewed: Item<Act>[] = isBefore(7, facts) ? growing : [];
  for (const role of ['control', 'etcd', 'worker'] as const) {
    const size = offerings[role];
    if (!size) continue;
    // An attempt that failed between the new size of an etcd member and its start left it off. Before revision 4 it stayed so.
    const isOff = (node: NodeFacts) => role === 'etcd' && !node.running && !isBefore(4, facts);
    const differ = nodesOf(facts, role).filter(
      (node) =>
        !node.external && !node.addedNow && (node.offeringId !== size.id || isOff(node)) && !leaving.includes(node),
    );
    const live = differ.filter((node) => !isOff(node) && grows(node, size));
    if (live.length > 0)
      growing.push({
        title: `${role} nodes: change to ${size.name}`,
        width: role === 'worker' ? settings['cks.operation.width'] : 1,
        lanes: live.map((node) => [resize(settings, node, size)]),
      });
    const replaced = differ.filter((node) => !live.includes(node));
    if (role === 'etcd') renewed.push(...replaced.flatMap((node) => restart(settings, node, size)));
    else
      for (const [old, next] of successors(facts, role, replaced, numbers))
        renewed.push(...replace(context, old, next, size));
  }
  // A new node must not be placed where another is to grow.
  return isBefore(7, facts) ? growing : [...growing, ...renewed];
}

/**
 * The node that takes the place of each: the one that was made for it, else a further one. Before revision 6 those that were made stood in
 * order for those that were left: a pair that was done shifted all others by one.
 */
function successors(
  facts: ClusterFacts,
  role: 'control' | 'worker',
  replaced: readonly NodeFacts[],
  numbers: Numbers,
): [NodeFacts, NodeRef][] {
  const begun = nodesOf(facts, role).filter(({ addedNow }) => addedNow);
  if (isBefore(6, facts)) {
    const next = [...begun, ...numbers(role, Math.max(0, replaced.length - begun.length))];
    return replaced.map((old, i) => [old, next[i]!]);
  }
  return replaced.map((old) => [old, begun.find(({ replaces }) => replaces === old.machineId) ?? numbers(role, 1)[0]!]);
}

/** A new node first, then the old one leaves: the cluster never has fewer. */
export function replace(context: BootContext, old: NodeFacts, next: NodeRef, size?: OfferingSize): Item<Act>[] {
  return [
    {
      title: `replace ${nodeLabel(old)} by ${nodeLabel(next)}`,
      lanes: [
        [
          ...silentMember(context, old),
          ...joinSteps(context, [next], size && { [old.role]: size }, { old }),
          ...leaveNode(context, old),
        ],
      ],
    },
  ];
}

/**
 * etcd takes nobody in while a member is silent ("unhealthy cluster"), so that of a lost control node goes before a new one joins. Nothing
 * puts it back: it would be as silent as before.
 */
function silentMember({ facts, settings }: BootContext, old: NodeFacts): Item<Act>[] {
  const isLost = !old.running || !old.hostUp;
  if (old.role !== 'control' || !isLost || facts.etcdCount > 0 || isBefore(3, facts)) return [];
  return [
    {
      title: `${nodeLabel(old)}: remove its silent etcd member`,
      kind: 'etcd.remove',
      limitSeconds: settings['cks.etcd.timeout'],
      run: ({ node }) => node.removeEtcdMember(old),
    },
  ];
}

function resize(settings: Settings, node: NodeFacts, size: OfferingSize): Item<Act> {
  return {
    title: `${nodeLabel(node)}: change to ${size.name}`,
    kind: 'machine.resize',
    limitSeconds: settings['cks.machine.timeout'],
    skip: node.offeringId === size.id && `${nodeLabel(node)} is ${size.name}`,
    run: ({ hypervisor }) => hypervisor.ensureSize(node, size.id),
    undo: ({ hypervisor }) => hypervisor.ensureSize(node, node.offeringId),
  };
}

/** A dedicated etcd member keeps its disk: it is switched off, changed, and waited for before the next. */
function restart(settings: Settings, node: NodeFacts, size: OfferingSize): Item<Act>[] {
  const label = nodeLabel(node);
  return [
    {
      title: `${label}: stop the machine`,
      kind: 'machine.stop',
      limitSeconds: settings['cks.machine.timeout'] + settings['cks.machine.stop.timeout'],
      run: ({ hypervisor }) => hypervisor.ensureStopped(node),
      undo: ({ hypervisor }) => hypervisor.ensureRunning(node),
    },
    resize(settings, node, size),
    {
      title: `${label}: start the machine`,
      kind: 'machine.start',
      limitSeconds: settings['cks.machine.timeout'],
      run: ({ hypervisor }) => hypervisor.ensureRunning(node),
    },
    {
      title: `${label}: wait for a healthy etcd`,
      kind: 'etcd.health',
      wait: true,
      keep: true,
      limitSeconds: settings['cks.etcd.timeout'] + settings['cks.node.boot.timeout'],
      run: ({ node: guest }) => guest.waitEtcd(node),
    },
  ];
}

function autoscalingSteps({ facts, settings }: BootContext): Item<Act>[] {
  const { enabled = false, min = 0, max = 0 } = facts.request.autoscaling ?? {};
  const control = nodesOf(facts, 'control')[0]!;
  const limitSeconds = settings['cks.component.timeout'];
  const undo = ({ node }: Act) => node.settleAutoscaler(control);
  return enabled
    ? [
        {
          title: 'autoscaling: credentials',
          kind: 'component.secret',
          limitSeconds,
          run: ({ kubernetes }) => kubernetes.ensureCloudSecret(),
        },
        {
          title: `autoscaling: between ${min} and ${max} workers`,
          kind: 'component.autoscaler',
          limitSeconds,
          run: ({ node }) => node.applyAutoscaler(control, min, max),
          ...(isBefore(8, facts)
            ? !facts.autoscaling && { undo: ({ node }: Act) => node.removeAutoscaler(control) }
            : { undo }),
        },
      ]
    : [
        {
          title: 'autoscaling: switch it off',
          kind: 'component.autoscaler',
          limitSeconds,
          run: ({ node }) => node.removeAutoscaler(control),
          ...(!isBefore(8, facts) && { undo }),
        },
      ];
}
