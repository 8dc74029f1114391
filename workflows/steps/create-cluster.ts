import type { Item } from '../engine/step.js';
import type { ClusterFacts, NodeRef } from '../model/operation.js';
import type { Settings } from '../model/settings.js';
import type { Act } from '../stubs.js';
import { bootNode } from './boot-node.js';
import { componentSteps } from './components.js';
import { bootContext, numbered } from './context.js';
import { initFirstControl, joinControl, joinEtcd, joinWorker } from './join-node.js';

/** Creates a cluster: network, machines and kubeadm; everything that does not depend on each other at the same time. */
export function createClusterSteps(facts: ClusterFacts, settings: Settings): Item<Act>[] {
  const context = bootContext(facts, settings);
  const etcd = numbered('etcd', facts.etcdCount);
  const controls = numbered('control', facts.controlCount);
  const workers = numbered('worker', facts.workerCount);
  const [first, ...others] = controls as [NodeRef, ...NodeRef[]];
  const all = [...etcd, ...controls, ...workers];
  const reserved = facts.nodes.filter(({ phase }) => phase !== 'gone').length;
  const isUp = facts.hasRules && 'the network is up';

  return [
    {
      title: `reserve ${all.length} machines, their addresses and hosts`,
      kind: 'store.reserve',
      limitSeconds: 60,
      skip: reserved === all.length && 'all are reserved',
      run: async ({ store }) => context.place(await store.reserveNodes(all)),
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
            skip: facts.networkShared ? 'a shared network needs none' : isUp,
            run: ({ gateway }) => gateway.ensureAddress(),
            undo: ({ gateway }) => gateway.releaseNetwork(facts.networkOwned),
          },
          {
            title: 'network: set up gateway, forwards and balancer',
            kind: 'network.gateway',
            key: 'gateway',
            limitSeconds: settings['cks.network.timeout'],
            skip: facts.networkShared ? 'a shared network has no gateway' : isUp,
            run: ({ gateway }) => gateway.apply(),
            undo: ({ gateway }) => gateway.withdraw(facts.networkOwned),
          },
        ],
        [
          {
            title: 'nodes',
            width: settings['cks.operation.width'],
            lanes: [
              ...etcd.map((node) => bootNode(context, node, joinEtcd(context, node))),
              bootNode(context, first, initFirstControl(context, first, etcd)),
              ...others.map((node, i) => bootNode(context, node, joinControl(context, node, controls[i]))),
              ...workers.map((node) => bootNode(context, node, joinWorker(context, node))),
            ],
          },
        ],
        [
          {
            title: "network: check API servers with the cluster's CA from now on",
            kind: 'network.gateway',
            needs: ['api'],
            limitSeconds: settings['cks.network.timeout'],
            skip: facts.networkShared ? 'a shared network has no gateway' : facts.hasVerifiedRules && 'it checks them',
            run: ({ gateway }) => gateway.apply(),
          },
        ],
        componentSteps(context, first),
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
