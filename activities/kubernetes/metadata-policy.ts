import type { AppsV1Api, NetworkingV1Api, V1NetworkPolicy } from '@kubernetes/client-node';
import { ask, createOrReplace } from './ask.js';

const NAME = 'deny-metadata-access';

/** DaemonSets of the pod networks that enforce NetworkPolicies. */
const ENFORCERS = ['antrea-agent', 'calico-node', 'canal', 'cilium', 'kube-network-policies', 'kube-router', 'ovnkube-node', 'weave-net']; // prettier-ignore

/** All egress but that to a metadata server, as `docs/operate/deny-metadata-access.yaml` has it. */
const policyIn = (namespace: string): V1NetworkPolicy => ({
  metadata: { name: NAME, namespace },
  spec: {
    podSelector: {},
    policyTypes: ['Egress'],
    egress: [
      {
        to: [
          { ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.169.254/32'] } },
          { ipBlock: { cidr: '::/0', except: ['fd00:ec2::254/128'] } },
        ],
      },
    ],
  },
});

/** Leaves the policy in each of the namespaces. */
export async function applyMetadataPolicy(api: NetworkingV1Api, namespaces: readonly string[]): Promise<void> {
  for (const namespace of namespaces) {
    const body = policyIn(namespace);
    await createOrReplace(
      `the policy ${NAME} in namespace ${namespace}`,
      () => api.createNamespacedNetworkPolicy({ namespace, body }),
      () => api.replaceNamespacedNetworkPolicy({ name: NAME, namespace, body }),
    );
  }
}

/** Why policies are of no use in a cluster, or undefined where its pod network enforces them. */
export async function whyNotEnforced(api: AppsV1Api): Promise<string | undefined> {
  const { items } = await ask('list the DaemonSets', () => api.listDaemonSetForAllNamespaces());
  return items.some(({ metadata }) => ENFORCERS.includes(metadata?.name ?? ''))
    ? undefined
    : `the policy is there, and no pod network that enforces it was found when it was applied (Flannel enforces none): a DaemonSet named ${ENFORCERS.join(', ')}`;
}
