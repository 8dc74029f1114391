import type { Item } from '../engine/step.js';
import { NODE_PHASES } from '../model/node-phase.js';
import { isBefore, nodeLabel, type NodeFacts, type NodeRef } from '../model/operation.js';
import type { Act } from '../stubs.js';
import { findNode, type BootContext } from './context.js';

const ORDER: readonly NodeFacts['phase'][] = ['gone', ...NODE_PHASES];

/** True when the node has come so far, as rows know. */
export const hasReached = (context: BootContext, node: NodeRef, wanted: NodeFacts['phase']): boolean =>
  ORDER.indexOf(findNode(context.facts, node)?.phase ?? 'gone') >= ORDER.indexOf(wanted);

/**
 * Runs of the time before revision 1 left the media of Ready nodes alone. But that a node is Ready says nothing of its drives, and the seed
 * holds the machine's host key.
 */
const isLeftAlone = (context: BootContext, node: NodeRef): boolean =>
  isBefore(1, context.facts) && hasReached(context, node, 'ready');

/** Brings one machine from nothing to a Ready node of the cluster. `join` is how it gets in: kubeadm init, a join, or etcd. */
export function bootNode(context: BootContext, node: NodeRef, join: Item<Act>[]): Item<Act>[] {
  const { facts, settings } = context;
  const label = nodeLabel(node);
  const reached = (wanted: NodeFacts['phase'], words: string) =>
    hasReached(context, node, wanted) && `${label} ${words}`;
  const runs = findNode(facts, node)?.running;
  const machine = settings['cks.machine.timeout'];

  return [
    {
      title: `${label}: create the root volume`,
      kind: 'machine.volume',
      limitSeconds: settings['cks.machine.volume.timeout'],
      skip: reached('defined', 'has its volume'),
      run: ({ hypervisor }) => hypervisor.ensureVolume(node),
      undo: ({ hypervisor }) => hypervisor.ensureMachineAbsent(node),
    },
    {
      title: `${label}: define the machine`,
      kind: 'machine.define',
      limitSeconds: machine,
      skip: reached('defined', 'is defined'),
      run: ({ hypervisor }) => hypervisor.ensureDefined(node),
      undo: ({ hypervisor }) => hypervisor.ensureMachineAbsent(node),
    },
    {
      title: `${label}: start the machine`,
      kind: 'machine.start',
      needs: ['gateway'],
      limitSeconds: machine,
      skip: runs && reached('started', 'is started'),
      run: ({ hypervisor }) => hypervisor.ensureRunning(node),
      undo: ({ hypervisor }) => hypervisor.ensureMachineAbsent(node),
    },
    {
      title: `${label}: wait for SSH`,
      kind: 'machine.ssh',
      wait: true,
      limitSeconds: settings['cks.node.boot.timeout'],
      skip: runs && reached('reachable', 'answers'),
      run: ({ node: guest }) => guest.waitReachable(node),
    },
    {
      title: `${label}: install and join`,
      lanes: [
        [...installSteps(context, node), ...join, ...readySteps(context, node)],
        [
          {
            title: `${label}: eject and delete the seed medium`,
            kind: 'medium.eject',
            limitSeconds: machine,
            skip: isLeftAlone(context, node) && `${label} is past its first boot`,
            run: ({ hypervisor }) => hypervisor.ensureSeedAbsent(node),
          },
        ],
        [ejectVersionMedium(context, node, `${label}/installed`)],
      ],
    },
  ];
}

/** Installation from the version's medium, and the private registry where there is one. */
export function installSteps(context: BootContext, node: NodeRef): Item<Act>[] {
  const { facts, settings, hostOf } = context;
  const label = nodeLabel(node);
  const install: Item<Act> = {
    title: `${label}: install ${node.role === 'etcd' ? 'etcd' : 'Kubernetes'}`,
    kind: 'node.install',
    key: `${label}/installed`,
    limitSeconds: settings['cks.node.install.timeout'],
    skip: hasReached(context, node, 'installed') && `${label} has it installed`,
    slot: { name: () => `install@${hostOf(node)}`, width: settings['cks.host.install.width'] },
    run: ({ node: guest }) => guest.install(node),
  };
  if (!facts.registry || node.role === 'etcd') return [install];
  return [
    install,
    {
      title: `${label}: configure the private registry`,
      kind: 'node.registry',
      limitSeconds: settings['cks.component.timeout'],
      skip: hasReached(context, node, 'joined') && `${label} has it`,
      run: ({ node: guest }) => guest.configureRegistry(node),
    },
  ];
}

export function readySteps(context: BootContext, node: NodeRef): Item<Act>[] {
  if (node.role === 'etcd') return [];
  const label = nodeLabel(node);
  return [
    {
      title: `${label}: wait until Ready`,
      kind: 'node.ready',
      wait: true,
      limitSeconds: context.settings['cks.node.ready.timeout'],
      skip: hasReached(context, node, 'ready') && `${label} was Ready`,
      run: ({ kubernetes }) => kubernetes.waitReady(node),
    },
  ];
}

export const ejectVersionMedium = (context: BootContext, node: NodeRef, after: string): Item<Act> => ({
  title: `${nodeLabel(node)}: eject the version medium`,
  kind: 'medium.eject',
  needs: [after],
  limitSeconds: context.settings['cks.machine.timeout'],
  skip: isLeftAlone(context, node) && `${nodeLabel(node)} is past its installation`,
  run: ({ hypervisor }) => hypervisor.ensureVersionMediumEjected(node),
});
