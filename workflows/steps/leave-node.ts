import type { Item } from '../engine/step.js';
import { isBefore, nodeLabel, type NodeFacts } from '../model/operation.js';
import type { Act } from '../stubs.js';
import type { BootContext } from './context.js';

/**
 * Takes one of our nodes out of its cluster for good: drain, Kubernetes, etcd, rules, machine, rows. Once its Node object is gone there is
 * no way back: a cancel then finishes the removal instead of leaving a machine that belongs to nothing.
 */
export function leaveNode({ facts, settings }: BootContext, node: NodeFacts): Item<Act>[] {
  const label = nodeLabel(node);
  const machine = settings['cks.machine.timeout'];
  const lost = !node.hostUp && 'its host is down';
  const finish = async ({ gateway, hypervisor, store }: Act) => {
    await gateway.removeNodeRules(node);
    if (node.hostUp) await hypervisor.ensureMachineAbsent(node);
    await store.removeNode(node);
  };
  return [
    drain({ settings }, node, lost || (!node.running && 'its machine is off')),
    ...(node.role === 'control'
      ? [
          {
            title: `${label}: remove its etcd member`,
            kind: 'etcd.remove',
            noReturn: true,
            limitSeconds: settings['cks.etcd.timeout'],
            run: ({ node: guest }: Act) => guest.removeEtcdMember(node),
            undo: async (act: Act) => {
              await act.node.removeEtcdMember(node);
              await act.kubernetes.deleteNode(node);
              await finish(act);
            },
          },
        ]
      : []),
    {
      title: `${label}: delete its Node object`,
      kind: 'kubernetes.delete',
      noReturn: true,
      limitSeconds: settings['cks.api.timeout'],
      run: ({ kubernetes }) => kubernetes.deleteNode(node),
      undo: async (act: Act) => {
        // The step may have failed before it deleted anything; runs of the time before revision 1 took it for done.
        if (!isBefore(1, facts)) await act.kubernetes.deleteNode(node);
        await finish(act);
      },
    },
    {
      title: `${label}: remove its forwards`,
      kind: 'network.gateway',
      limitSeconds: settings['cks.network.timeout'],
      run: ({ gateway }) => gateway.removeNodeRules(node),
    },
    {
      title: `${label}: remove the machine, its volume and media`,
      kind: 'machine.remove',
      limitSeconds: machine,
      skip: lost && `${lost}: the scan removes it when the host is back`,
      run: ({ hypervisor }) => hypervisor.ensureMachineAbsent(node),
    },
    {
      title: `${label}: release its address and room`,
      kind: 'store.release',
      limitSeconds: 60,
      keep: true,
      run: ({ store }) => store.removeNode(node),
    },
  ];
}

/** Cordons the node and evicts its pods, as far as disruption budgets allow. Undone by making it schedulable again. */
export const drain = (
  { settings }: Pick<BootContext, 'settings'>,
  node: NodeFacts,
  skip: string | false = false,
  withRoom?: { name: () => string; width: number },
): Item<Act> => ({
  title: `${nodeLabel(node)}: drain`,
  kind: 'node.drain',
  tries: 1 + settings['cloud.kubernetes.cluster.upgrade.retries'],
  limitSeconds: settings['cks.node.drain.timeout'],
  skip,
  ...(withRoom && { slot: withRoom }),
  run: ({ kubernetes }) => kubernetes.drain(node),
  undo: ({ kubernetes }) => kubernetes.uncordon(node),
});
