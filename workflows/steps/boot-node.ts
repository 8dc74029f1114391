import type { Item } from '../engine/step.js';
import { NODE_PHASES } from '../model/node-phase.js';
import { nodeLabel, type ClusterFacts, type NodeFacts, type NodeRef } from '../model/operation.js';
import type { Settings } from '../model/settings.js';
import type { Act } from '../stubs.js';

const ORDER: readonly NodeFacts['phase'][] = ['gone', ...NODE_PHASES];

/** What a node's steps must know of the whole: where it is placed once that is known, and which keys to wait for. */
export interface BootContext {
  facts: ClusterFacts;
  settings: Settings;
  hostOf: (node: NodeRef) => string;
}

/** Brings one machine from nothing to a Ready node of the cluster. `join` is how it gets in: kubeadm init or a join. */
export function bootNode(context: BootContext, node: NodeRef, join: Item<Act>[]): Item<Act>[] {
  const { facts, settings, hostOf } = context;
  const label = nodeLabel(node);
  const phase = facts.nodes.find((each) => each.role === node.role && each.index === node.index)?.phase ?? 'gone';
  const reached = (wanted: NodeFacts['phase'], words: string) =>
    ORDER.indexOf(phase) >= ORDER.indexOf(wanted) && `${label} ${words}`;
  const machine = settings['cks.machine.timeout'];

  return [
    {
      title: `${label}: create the root volume`,
      kind: 'machine.volume',
      limitSeconds: machine,
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
      skip: reached('started', 'is started'),
      run: ({ hypervisor }) => hypervisor.ensureRunning(node),
      undo: ({ hypervisor }) => hypervisor.ensureMachineAbsent(node),
    },
    {
      title: `${label}: wait for SSH`,
      kind: 'machine.ssh',
      wait: true,
      limitSeconds: settings['cks.node.boot.timeout'],
      skip: reached('reachable', 'answers'),
      run: ({ node: guest }) => guest.waitReachable(node),
    },
    {
      title: `${label}: install and join`,
      lanes: [
        [
          {
            title: `${label}: install Kubernetes`,
            kind: 'node.install',
            key: `${label}/installed`,
            limitSeconds: settings['cks.node.install.timeout'],
            skip: reached('installed', 'has it installed'),
            slot: { name: () => `install@${hostOf(node)}`, width: settings['cks.host.install.width'] },
            run: ({ node: guest }) => guest.install(node),
          },
          ...join,
          {
            title: `${label}: wait until Ready`,
            kind: 'node.ready',
            wait: true,
            limitSeconds: settings['cks.node.ready.timeout'],
            skip: reached('ready', 'was Ready'),
            run: ({ kubernetes }) => kubernetes.waitReady(node),
          },
        ],
        [
          {
            title: `${label}: eject and delete the seed medium`,
            kind: 'medium.eject',
            limitSeconds: machine,
            skip: reached('ready', 'is past its first boot'),
            run: ({ hypervisor }) => hypervisor.ensureSeedAbsent(node),
          },
        ],
        [
          {
            title: `${label}: eject the version medium`,
            kind: 'medium.eject',
            needs: [`${label}/installed`],
            limitSeconds: machine,
            skip: reached('ready', 'is past its installation'),
            run: ({ hypervisor }) => hypervisor.ensureVersionMediumEjected(node),
          },
        ],
      ],
    },
  ];
}
