import type { Group, Item } from '../engine/step.js';
import { isBefore, nodeLabel, type ClusterFacts, type NodeFacts } from '../model/operation.js';
import type { Settings } from '../model/settings.js';
import type { Act } from '../stubs.js';
import { bootContext, nodesOf, ownWorkers } from './context.js';
import { waitApi } from './join-node.js';

/** Powers a cluster off: workers, control nodes, etcd. Disks, addresses and rules stay. */
export function stopClusterSteps(facts: ClusterFacts, settings: Settings): Item<Act>[] {
  const tier = (title: string, nodes: NodeFacts[]): Group<Act> => ({
    title,
    width: settings['cks.operation.width'],
    lanes: nodes.map((node) => [
      {
        title: `${nodeLabel(node)}: stop the machine`,
        kind: 'machine.stop',
        limitSeconds: settings['cks.machine.timeout'] + settings['cks.machine.stop.timeout'],
        skip: !node.running && `${nodeLabel(node)} is off`,
        run: ({ hypervisor }) => hypervisor.ensureStopped(node),
        undo: ({ hypervisor }) => hypervisor.ensureRunning(node),
      },
    ]),
  });
  return tiers([
    tier('stop the workers', ownWorkers(facts)),
    tier('stop the control nodes', nodesOf(facts, 'control')),
    tier('stop the etcd nodes', nodesOf(facts, 'etcd')),
  ]);
}

/** Powers a cluster on: etcd, control nodes, workers; certificates first, then every node Ready by its name. */
export function startClusterSteps(facts: ClusterFacts, settings: Settings): Item<Act>[] {
  const of = (nodes: NodeFacts[]) => members(facts, nodes, 4);
  const controls = of(nodesOf(facts, 'control'));
  const workers = of(ownWorkers(facts));
  const tier = (title: string, nodes: NodeFacts[]): Group<Act> => ({
    title,
    width: settings['cks.operation.width'],
    lanes: nodes.map((node) => [
      {
        title: `${nodeLabel(node)}: start the machine`,
        kind: 'machine.start',
        limitSeconds: settings['cks.machine.timeout'],
        skip: node.running && `${nodeLabel(node)} runs`,
        run: ({ hypervisor }) => hypervisor.ensureRunning(node),
        undo: ({ hypervisor }) => hypervisor.ensureStopped(node),
      },
    ]),
  });
  return [
    {
      title: 'network: set up gateway, forwards and balancer',
      kind: 'network.gateway',
      limitSeconds: settings['cks.network.timeout'],
      skip: facts.networkShared && 'a shared network has no gateway',
      run: ({ gateway }) => gateway.apply(),
    },
    ...tiers([
      tier('start the etcd nodes', of(nodesOf(facts, 'etcd'))),
      tier('start the control nodes', controls),
      tier('start the workers', workers),
    ]),
    ...renewSteps(facts, settings, controls),
    ...openApi(facts, settings, controls),
    waitNodes([...controls, ...workers], settings, true),
  ];
}

/** Renews the control plane's certificates, one control node after the other, where they end soon. */
export function renewClusterSteps(facts: ClusterFacts, settings: Settings): Item<Act>[] {
  const controls = members(facts, nodesOf(facts, 'control'), 3);
  return [
    ...renewSteps(facts, settings, controls),
    ...openApi(facts, settings, controls),
    waitNodes([...controls, ...members(facts, ownWorkers(facts), 3)], settings),
  ];
}

/**
 * Nodes that are in the cluster: one that an operation left half-made is that operation's to finish or undo. Before this revision of lists
 * such a node was waited for, and kept the others from their certificates or from being started.
 */
const members = (facts: ClusterFacts, nodes: NodeFacts[], revision: number): NodeFacts[] =>
  isBefore(revision, facts) ? nodes : nodes.filter(({ phase }) => phase === 'joined' || phase === 'ready');

const tiers = (groups: Group<Act>[]): Group<Act>[] => groups.filter(({ lanes }) => lanes.length > 0);

function renewSteps(facts: ClusterFacts, settings: Settings, controls: NodeFacts[]): Item<Act>[] {
  return [
    {
      title: 'certificates',
      // Without a dedicated etcd, etcd answers only once most control nodes run: they are looked at side by side.
      lanes: controls.map((node) => [
        {
          title: `${nodeLabel(node)}: wait for SSH`,
          kind: 'machine.ssh',
          wait: true,
          limitSeconds: settings['cks.node.boot.timeout'],
          run: ({ node: guest }) => guest.waitReachable(node),
        },
        {
          title: `${nodeLabel(node)}: check and renew its certificates`,
          kind: 'node.renew',
          limitSeconds: settings['cks.node.kubeadm.timeout'],
          run: ({ node: guest }) => guest.renewCertificates(node),
        },
      ]),
    },
  ];
}

/**
 * The API server answers, and the kubeconfig is the one of its certificates: the old one may have ended with those, and is then refused.
 * Before revision 3 it was the old one that had to be answered.
 */
function openApi(facts: ClusterFacts, settings: Settings, [first]: NodeFacts[]): Item<Act>[] {
  const steps = [...(first ? [refreshKubeconfig(first, settings)] : []), waitApi(bootContext(facts, settings))];
  return isBefore(3, facts) ? steps.reverse() : steps;
}

export const refreshKubeconfig = (control: NodeFacts, settings: Settings): Item<Act> => ({
  title: `${nodeLabel(control)}: store the kubeconfig again`,
  kind: 'node.kubeconfig',
  limitSeconds: settings['cks.component.timeout'],
  run: ({ node }) => node.storeKubeconfig(control),
});

/** `rejoin`: workers that were off for long may have certificates that ended, and then join again. */
const waitNodes = (nodes: NodeFacts[], settings: Settings, rejoin = false): Group<Act> => ({
  title: 'nodes',
  width: settings['cks.operation.width'],
  lanes: nodes.map((node) => [
    ...(rejoin && node.role === 'worker' ? rejoinSteps(node, settings) : []),
    {
      title: `${nodeLabel(node)}: wait until Ready`,
      kind: 'node.ready',
      wait: true,
      limitSeconds: settings['cks.node.ready.timeout'],
      run: ({ kubernetes }) => kubernetes.waitReady(node),
    },
  ]),
});

const rejoinSteps = (node: NodeFacts, settings: Settings): Item<Act>[] => [
  {
    title: `${nodeLabel(node)}: wait for SSH`,
    kind: 'machine.ssh',
    wait: true,
    limitSeconds: settings['cks.node.boot.timeout'],
    run: ({ node: guest }) => guest.waitReachable(node),
  },
  {
    title: `${nodeLabel(node)}: join again if its certificate ended`,
    kind: 'node.rejoin',
    limitSeconds: settings['cks.node.kubeadm.timeout'],
    run: ({ node: guest }) => guest.rejoinIfExpired(node),
  },
];
