import type { Item } from '../engine/step.js';
import { isBefore, nodeLabel, type ClusterFacts } from '../model/operation.js';
import type { Settings } from '../model/settings.js';
import type { Act } from '../stubs.js';

/** Deletes a cluster and every trace of it: machines, volumes, media, rules, addresses, its network if create made it, secrets. */
export function deleteClusterSteps(facts: ClusterFacts, settings: Settings): Item<Act>[] {
  const network = settings['cks.network.timeout'];
  const present = facts.nodes.filter(({ phase, external }) => phase !== 'gone' && !external);
  const isGone =
    (facts.networkState === 'Destroy' || facts.clusterType === 'ExternalManaged' || facts.networkShared) &&
    'there is no network to remove';
  return [
    {
      title: 'machines',
      width: settings['cks.operation.width'],
      lanes: present.map((node) => [
        {
          title: `${nodeLabel(node)}: remove the machine, its volume and media`,
          kind: 'machine.remove',
          limitSeconds: settings['cks.machine.timeout'],
          skip: !node.hostUp && !isBefore(6, facts) && 'its host is down: the scan removes it when the host is back',
          run: ({ hypervisor }) => hypervisor.ensureMachineAbsent(node),
        },
      ]),
    },
    {
      title: facts.networkOwned ? 'network: remove it from its gateway' : 'network: withdraw the rules',
      kind: facts.networkOwned ? 'network.remove' : 'network.withdraw',
      limitSeconds: network,
      skip: isGone,
      run: ({ gateway }) => gateway.withdraw(facts.networkOwned),
    },
    {
      title: 'network: release the public address',
      kind: 'store.release',
      limitSeconds: 60,
      skip: isGone,
      run: ({ gateway }) => gateway.releaseNetwork(facts.networkOwned),
    },
    {
      title: 'release machines, addresses and hosts',
      kind: 'store.release',
      limitSeconds: 60,
      run: ({ store }) => store.releaseNodes(),
    },
    {
      title: 'forget keys and kubeconfig',
      kind: 'store.forget',
      limitSeconds: 60,
      run: ({ store }) => store.forgetSecrets(),
    },
  ];
}
