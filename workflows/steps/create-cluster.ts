import type { Item } from '../engine/step.js';
import { nodeLabel, type ClusterFacts, type NodeRef } from '../model/operation.js';
import type { Settings } from '../model/settings.js';
import { bootNode, type BootContext } from './boot-node.js';
import type { Act } from '../stubs.js';

/** Creates a cluster: network, machines and kubeadm; everything that does not depend on each other at the same time. */
export function createClusterSteps(facts: ClusterFacts, settings: Settings): Item<Act>[] {
  const placed = new Map(facts.nodes.map((node) => [nodeLabel(node), node.hostId ?? 'anywhere']));
  const context: BootContext = { facts, settings, hostOf: (node) => placed.get(nodeLabel(node)) ?? 'anywhere' };
  const controls = numbered('control', facts.controlCount);
  const workers = numbered('worker', facts.workerCount);
  const [first, ...others] = controls as [NodeRef, ...NodeRef[]];
  const wanted = facts.controlCount + facts.workerCount;
  const reserved = facts.nodes.filter(({ phase }) => phase !== 'gone').length;
  const isUp = facts.hasRules && 'the network is up';

  return [
    {
      title: `reserve ${wanted} machines, their addresses and hosts`,
      kind: 'store.reserve',
      limitSeconds: 60,
      skip: reserved === wanted && 'all are reserved',
      run: async ({ store }) => {
        for (const { node, hostId } of await store.reserveNodes()) placed.set(nodeLabel(node), hostId);
      },
      undo: ({ store }) => store.releaseNodes(),
    },
    {
      title: 'make SSH keys',
      kind: 'store.keys',
      limitSeconds: 60,
      skip: facts.hasKeys && 'the keys are there',
      run: ({ store }) => store.ensureKeys(),
      undo: ({ store }) => store.forgetSecrets(),
    },
    {
      title: 'network and machines',
      lanes: [
        [
          {
            title: 'network: take a public address',
            kind: 'network.address',
            limitSeconds: settings['cks.network.timeout'],
            skip: isUp,
            run: ({ gateway }) => gateway.ensureAddress(),
            undo: ({ gateway }) => gateway.releaseNetwork(facts.networkOwned),
          },
          {
            title: 'network: set up gateway, forwards and balancer',
            kind: 'network.gateway',
            key: 'gateway',
            limitSeconds: settings['cks.network.timeout'],
            skip: isUp,
            run: ({ gateway }) => gateway.apply(),
            undo: ({ gateway }) => gateway.withdraw(facts.networkOwned),
          },
        ],
        [
          {
            title: 'nodes',
            width: settings['cks.operation.width'],
            lanes: [
              bootNode(context, first, initFirstControl(context, first)),
              ...others.map((node) => bootNode(context, node, joinControl(context, node))),
              ...workers.map((node) => bootNode(context, node, joinWorker(context, node))),
            ],
          },
        ],
      ],
    },
    {
      title: 'protect control nodes from the autoscaler',
      kind: 'kubernetes.protect',
      rest: 'Alert',
      limitSeconds: settings['cks.api.timeout'],
      skip: facts.hasProtection && 'they are protected',
      run: ({ kubernetes }) => kubernetes.protectControlNodes(),
    },
  ];
}

const numbered = (role: NodeRef['role'], count: number): NodeRef[] =>
  Array.from({ length: count }, (_, i) => ({ role, index: i + 1 }));

const hasJoined = ({ facts }: BootContext, node: NodeRef): string | false =>
  facts.nodes.some(
    ({ role, index, phase }) => role === node.role && index === node.index && (phase === 'joined' || phase === 'ready'),
  ) && `${nodeLabel(node)} is in the cluster`;

/** kubeadm init, then what all joins need: the kubeconfig and an API server that answers through the balancer. */
function initFirstControl(context: BootContext, node: NodeRef): Item<Act>[] {
  const { facts, settings } = context;
  const label = nodeLabel(node);
  return [
    {
      title: `${label}: run kubeadm init`,
      kind: 'node.init',
      key: `${label}/joined`,
      limitSeconds: settings['cks.node.kubeadm.timeout'],
      skip: hasJoined(context, node),
      run: ({ node: guest }) => guest.init(node),
    },
    {
      title: `${label}: store the kubeconfig`,
      kind: 'node.kubeconfig',
      rest: 'Alert',
      limitSeconds: 120,
      skip: facts.hasKubeconfig && 'it is stored',
      run: ({ node: guest }) => guest.storeKubeconfig(node),
    },
    {
      title: 'wait for the API server through the balancer',
      kind: 'kubernetes.api',
      key: 'api',
      wait: true,
      limitSeconds: settings['cks.api.timeout'],
      run: ({ kubernetes }) => kubernetes.waitApi(),
    },
  ];
}

/** Control nodes join one by one: each changes the members of etcd. */
function joinControl(context: BootContext, node: NodeRef): Item<Act>[] {
  const label = nodeLabel(node);
  return [
    {
      title: `${label}: join the control plane`,
      kind: 'node.join.control',
      key: `${label}/joined`,
      needs: ['api', `control-${node.index - 1}/joined`],
      limitSeconds: context.settings['cks.node.kubeadm.timeout'],
      skip: hasJoined(context, node),
      run: ({ node: guest }) => guest.joinControl(node),
    },
  ];
}

function joinWorker(context: BootContext, node: NodeRef): Item<Act>[] {
  return [
    {
      title: `${nodeLabel(node)}: join`,
      kind: 'node.join.worker',
      needs: ['api'],
      limitSeconds: context.settings['cks.node.kubeadm.timeout'],
      skip: hasJoined(context, node),
      run: ({ node: guest }) => guest.joinWorker(node),
    },
  ];
}
