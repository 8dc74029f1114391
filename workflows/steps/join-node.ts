import type { Item, Step } from '../engine/step.js';
import { nodeLabel, type NodeRef } from '../model/operation.js';
import type { Act } from '../stubs.js';
import { hasReached } from './boot-node.js';
import type { BootContext } from './context.js';

const hasJoined = (context: BootContext, node: NodeRef): string | false =>
  hasReached(context, node, 'joined') && `${nodeLabel(node)} is in the cluster`;

/** kubeadm init, then what all joins need: the kubeconfig and an API server that answers through the balancer. */
export function initFirstControl(context: BootContext, node: NodeRef, etcd: readonly NodeRef[]): Item<Act>[] {
  const { facts, settings } = context;
  const label = nodeLabel(node);
  return [
    {
      title: `${label}: run kubeadm init`,
      kind: 'node.init',
      key: `${label}/joined`,
      needs: etcd.map((member) => `${nodeLabel(member)}/joined`),
      limitSeconds: settings['cks.node.kubeadm.timeout'],
      skip: hasJoined(context, node),
      run: ({ node: guest }) => guest.init(node),
    },
    {
      title: `${label}: store the kubeconfig`,
      kind: 'node.kubeconfig',
      rest: 'Alert',
      limitSeconds: settings['cks.component.timeout'],
      skip: facts.hasKubeconfig && 'it is stored',
      run: ({ node: guest }) => guest.storeKubeconfig(node),
    },
    waitApi(context),
  ];
}

export const waitApi = ({ settings }: BootContext): Step<Act> => ({
  title: 'wait for the API server through the balancer',
  kind: 'kubernetes.api',
  key: 'api',
  wait: true,
  limitSeconds: settings['cks.api.timeout'],
  run: ({ kubernetes }) => kubernetes.waitApi(),
});

/** Control nodes join one by one: each changes the members of etcd. `after`: the one that must have joined before. */
export function joinControl(context: BootContext, node: NodeRef, after?: NodeRef, leaves = false): Item<Act>[] {
  const label = nodeLabel(node);
  return [
    {
      title: `${label}: join the control plane`,
      kind: 'node.join.control',
      key: `${label}/joined`,
      needs: ['api', ...(after ? [`${nodeLabel(after)}/joined`] : [])],
      limitSeconds: context.settings['cks.node.kubeadm.timeout'],
      skip: hasJoined(context, node),
      run: ({ node: guest }) => guest.joinControl(node),
      ...(leaves && {
        undo: async ({ node: guest, kubernetes }: Act) => {
          await guest.removeEtcdMember(node);
          await kubernetes.deleteNode(node);
        },
      }),
    },
  ];
}

/** `leaves`: a cancel takes the node out of a cluster that stays. */
export function joinWorker(context: BootContext, node: NodeRef, leaves = false): Item<Act>[] {
  return [
    {
      title: `${nodeLabel(node)}: join`,
      kind: 'node.join.worker',
      needs: ['api'],
      limitSeconds: context.settings['cks.node.kubeadm.timeout'],
      skip: hasJoined(context, node),
      run: ({ node: guest }) => guest.joinWorker(node),
      ...(leaves && { undo: ({ kubernetes }: Act) => kubernetes.deleteNode(node) }),
    },
  ];
}

/** A dedicated etcd member, with TLS from the cluster's own CA. */
export function joinEtcd(context: BootContext, node: NodeRef): Item<Act>[] {
  const label = nodeLabel(node);
  return [
    {
      title: `${label}: start the etcd member`,
      kind: 'node.etcd',
      key: `${label}/joined`,
      limitSeconds: context.settings['cks.etcd.timeout'],
      skip: hasJoined(context, node),
      run: ({ node: guest }) => guest.installEtcd(node),
    },
  ];
}
