import type { Group, Item, Step } from '../engine/step.js';
import { isBefore, nodeLabel, type ClusterFacts, type NodeFacts, type VersionRef } from '../model/operation.js';
import type { Settings } from '../model/settings.js';
import type { Act } from '../stubs.js';
import { bootContext, further, nodesOf, sideBySide, type BootContext } from './context.js';
import { waitApi } from './join-node.js';
import { drain, leaveNode } from './leave-node.js';
import { refreshKubeconfig } from './power.js';
import { joinSteps } from './scale-cluster.js';

/**
 * Brings every node to another version (`behaviour.md` §5.7, §8.4): everything staged everywhere while all workloads run, then control
 * nodes strictly one by one, then workers, so many at a time. A node at the target is skipped, so resuming is starting again.
 */
export function upgradeClusterSteps(facts: ClusterFacts, settings: Settings): Item<Act>[] {
  const context = bootContext(facts, settings);
  const target = facts.request.version!;
  const controls = nodesOf(facts, 'control').filter(({ manualUpgrade }) => !manualUpgrade);
  const surge = nodesOf(facts, 'worker').filter(({ addedNow }) => addedNow);
  const workers = nodesOf(facts, 'worker').filter(({ manualUpgrade, addedNow }) => !manualUpgrade && !addedNow);
  const nodes = [...controls, ...workers];
  const old = nodes.filter(({ version }) => version !== target.semantic);
  const lead = controls.find(({ version }) => version === target.semantic) ?? controls[0]!;
  if (old.length === 0 && facts.version?.id === target.id && facts.target === null) return [];
  const extra = surgeNodes(context, workers, surge, target);

  return [
    waitApi(context),
    {
      title: 'check the quorum of etcd',
      kind: 'etcd.health',
      wait: true,
      limitSeconds: settings['cks.etcd.timeout'],
      run: ({ node }) => node.waitEtcd(lead),
    },
    {
      title: 'count the pods that are ready',
      kind: 'kubernetes.baseline',
      limitSeconds: settings['cks.api.timeout'],
      run: ({ kubernetes }) => kubernetes.recordBaseline(),
    },
    stage(context, nodes, target),
    ...sideBySide(
      facts,
      'save etcd and eject the media',
      [
        {
          title: `${nodeLabel(lead)}: save etcd`,
          kind: 'etcd.save',
          limitSeconds: settings['cks.etcd.timeout'],
          skip: facts.target !== null && 'it was saved before the first control node',
          run: ({ node }) => node.saveEtcd(lead),
        },
      ],
      isBefore(2, facts) ? [] : [ejectAll(context, nodes, target)],
    ),
    ...controls.map((node) => upgradeControl(context, node, target, node === controls[0])),
    ...extra.join,
    {
      title: 'upgrade the workers',
      width: settings['cks.upgrade.width'],
      lanes: workers.map((node) => upgradeWorker(context, node, target)),
    },
    ...extra.leave,
    refreshKubeconfig(lead, settings),
    {
      title: 'record the new version',
      kind: 'store.record',
      limitSeconds: 60,
      keep: true,
      run: ({ store }) => store.recordVersion(target.id),
    },
  ];
}

/** A node is staged once: an upgrade of many nodes goes on in new histories, each with a list of its own. */
const isStaged = (facts: ClusterFacts, node: NodeFacts, target: VersionRef): string | false =>
  isAt(node, target) ||
  (!isBefore(2, facts) && node.staged === target.semantic && `${nodeLabel(node)} has ${target.semantic} staged`);

const isAt = (node: NodeFacts, { semantic }: VersionRef): string | false =>
  node.version === semantic && `${nodeLabel(node)} runs ${semantic}`;

/** Images and programs on all nodes at once, before the first of them is drained. */
function stage({ facts, settings }: BootContext, nodes: readonly NodeFacts[], target: VersionRef): Group<Act> {
  return {
    title: `stage ${target.semantic} on all nodes`,
    width: settings['cks.operation.width'],
    lanes: nodes.map((node) => [
      {
        title: `${nodeLabel(node)}: attach the medium of ${target.semantic}`,
        kind: 'medium.attach',
        limitSeconds: settings['cks.machine.timeout'],
        skip: isStaged(facts, node, target),
        run: ({ hypervisor }) => hypervisor.attachVersionMedium(node, target.id),
        undo: ({ hypervisor }) => hypervisor.ejectMedium(node, target.id),
      },
      {
        title: `${nodeLabel(node)}: stage ${target.semantic}`,
        kind: 'node.stage',
        limitSeconds: settings['cks.node.stage.timeout'],
        skip: isStaged(facts, node, target),
        slot: { name: () => `install@${node.hostId}`, width: settings['cks.host.install.width'] },
        run: ({ node: guest }) => guest.stage(node, target.semantic),
      },
    ]),
  };
}

/** One control node, out of the balancer while kubeadm works on it; the next one waits for its etcd and its API server. */
function upgradeControl(context: BootContext, node: NodeFacts, target: VersionRef, first: boolean): Item<Act> {
  const { facts, settings } = context;
  const label = nodeLabel(node);
  const skip = isAt(node, target);
  return {
    title: `upgrade ${label}`,
    lanes: [
      [
        ...sideBySide(
          facts,
          `${label}: out of service`,
          [
            {
              title: `${label}: take it out of the balancer`,
              kind: 'network.member',
              limitSeconds: settings['cks.network.timeout'],
              skip: facts.controlCount < 2 ? 'it is the only control node' : skip,
              run: ({ gateway }) => gateway.drain(node),
              undo: ({ gateway }) => gateway.serve(node),
            },
          ],
          [drain(context, node, skip)],
        ),
        {
          title: `${label}: upgrade kubeadm's parts and the kubelet`,
          kind: first ? 'node.upgrade.first' : 'node.upgrade.control',
          tries: 1 + settings['cloud.kubernetes.cluster.upgrade.retries'],
          limitSeconds: settings['cks.node.upgrade.timeout'],
          skip,
          // From here on the cluster may have two versions.
          noReturn: true,
          run: async ({ store, node: guest }) => {
            if (first && isBefore(9, facts)) await store.setTarget(target.id);
            await guest.upgrade(node, target.semantic, first ? 'first' : 'control', target.id);
          },
          undo: async ({ node: guest, kubernetes, gateway }) => {
            if (!isBefore(9, facts)) await guest.settleUpgrade(node);
            if (facts.controlCount > 1) await gateway.serve(node);
            await kubernetes.uncordon(node);
          },
        },
        // The balancer asks its members itself: one whose API server does not answer yet gets no connection.
        ...sideBySide(
          facts,
          `${label}: back into service`,
          [returnNode(context, node, target)],
          [
            {
              title: `${label}: put it back into the balancer`,
              kind: 'network.member',
              limitSeconds: settings['cks.network.timeout'],
              skip: facts.controlCount < 2 ? 'it is the only control node' : skip,
              run: ({ gateway }) => gateway.serve(node),
            },
          ],
        ),
        {
          title: `${label}: wait for a healthy etcd`,
          kind: 'etcd.health',
          wait: true,
          limitSeconds: settings['cks.etcd.timeout'],
          skip,
          run: ({ node: guest }) => guest.waitEtcd(node),
        },
        ...after(context, node, target),
      ],
    ],
  };
}

function upgradeWorker(context: BootContext, node: NodeFacts, target: VersionRef): Item<Act>[] {
  const { settings } = context;
  const label = nodeLabel(node);
  const skip = isAt(node, target);
  return [
    drain(context, node, skip),
    {
      title: `${label}: upgrade the kubelet`,
      kind: 'node.upgrade.worker',
      tries: 1 + settings['cloud.kubernetes.cluster.upgrade.retries'],
      limitSeconds: settings['cks.node.upgrade.timeout'],
      skip,
      run: ({ node: guest }) => guest.upgrade(node, target.semantic, 'worker'),
    },
    returnNode(context, node, target),
    ...after(context, node, target),
  ];
}

const returnNode = ({ settings }: BootContext, node: NodeFacts, target: VersionRef): Step<Act> => ({
  title: `${nodeLabel(node)}: wait until Ready at ${target.semantic}, and schedule on it again`,
  kind: 'node.return',
  limitSeconds: settings['cks.node.ready.timeout'],
  skip: isAt(node, target),
  run: ({ kubernetes }) => kubernetes.returnToService(node, target.semantic),
});

/** A node that is done: its pods are looked for, and it stands whatever comes. */
function after(context: BootContext, node: NodeFacts, target: VersionRef): Item<Act>[] {
  const wait: Step<Act> = {
    title: `${nodeLabel(node)}: wait for the pods that were ready before`,
    kind: 'kubernetes.workload',
    wait: true,
    keep: true,
    limitSeconds: context.settings['cks.workload.timeout'],
    skip: isAt(node, target),
    run: ({ kubernetes }) => kubernetes.waitBaseline(),
  };
  // Runs of the time before revision 2 ejected a node's medium only now.
  return isBefore(2, context.facts)
    ? [
        { ...wait, keep: false },
        { ...eject(context, node, target), keep: true },
      ]
    : [wait];
}

/** What an upgrade takes from a medium was staged: no node needs its own any more, nor the host's file. */
const ejectAll = (context: BootContext, nodes: readonly NodeFacts[], target: VersionRef): Group<Act> => ({
  title: `eject the medium of ${target.semantic} from all nodes`,
  width: context.settings['cks.operation.width'],
  lanes: nodes.map((node) => [eject(context, node, target)]),
});

const eject = ({ facts, settings }: BootContext, node: NodeFacts, target: VersionRef): Step<Act> => ({
  title: `${nodeLabel(node)}: eject the medium of ${target.semantic}`,
  kind: 'medium.eject',
  limitSeconds: settings['cks.machine.timeout'],
  skip: !isBefore(2, facts) && isAt(node, target),
  run: ({ hypervisor }) => hypervisor.ejectMedium(node, target.id),
});

/** Extra workers at the new version, made when the control plane has it, gone when all others have it. */
function surgeNodes(
  context: BootContext,
  workers: readonly NodeFacts[],
  present: readonly NodeFacts[],
  target: VersionRef,
) {
  const { facts, settings } = context;
  const isOver = workers.every((node) => isAt(node, target));
  const wanted = isOver ? 0 : Math.min(settings['cks.upgrade.surge'], workers.length);
  const nodes = [...present, ...further(facts, 'worker', Math.max(0, wanted - present.length))];
  if (nodes.length === 0) return { join: [], leave: [] };
  return {
    join: isOver ? [] : joinSteps(context, nodes, undefined),
    leave: [
      {
        title: nodes.length === 1 ? 'the extra worker leaves' : `${nodes.length} extra workers leave`,
        width: settings['cks.drain.width'],
        lanes: nodes.map((node) => leaveNode(context, asFacts(context, node))),
      },
    ],
  };
}

/** A node that this operation is still to make, as the steps that take it away again need it. */
const asFacts = ({ facts }: BootContext, node: { role: NodeFacts['role']; index: number }): NodeFacts =>
  facts.nodes.find((one) => one.role === node.role && one.index === node.index) ?? {
    ...node,
    machineId: '',
    name: '',
    hostId: null,
    phase: 'reserved',
    running: true,
    hostUp: true,
    version: null,
    staged: null,
    draining: false,
    external: false,
    manualUpgrade: false,
    addedNow: true,
    offeringId: '',
    maxCpus: 0,
    maxRamMb: 0,
  };
