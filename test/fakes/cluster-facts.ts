import {
  LIST_REVISION,
  type ClusterFacts,
  type NodeFacts,
  type NodeRoleName,
} from '../../workflows/model/operation.js';
import type { OperationKind } from '../../workflows/model/states.js';

export const size = (name: string, cpus: number, ramMb: number) => ({ id: name, name, cpus, ramMb });

export const aNode = (role: NodeRoleName, index: number, more: Partial<NodeFacts> = {}): NodeFacts => ({
  role, index, machineId: `vm-${role}-${index}`, name: `c-${role}-${index}`, hostId: 'h', phase: 'ready', running: true, hostUp: true, version: '1.33.4', staged: null,
  draining: false, external: false, manualUpgrade: role === 'etcd', addedNow: false, offeringId: 'small', maxCpus: 4, maxRamMb: 4096, ...more,
}); // prettier-ignore

export const newCluster = (controlCount: number, workerCount: number, more: Partial<ClusterFacts> = {}): ClusterFacts => ({
  revision: LIST_REVISION, clusterId: 'c', clusterName: 'c', clusterType: 'CloudManaged', state: 'Created', controlCount, workerCount, etcdCount: 0, nodes: [], request: {},
  version: { id: 'v33', semantic: '1.33.4' }, target: null, networkState: 'Allocated', networkOwned: true, networkShared: false, hasRules: false, hasVerifiedRules: false, hasKeys: false,
  hasKubeconfig: false, hasProtection: false, autoscaling: false, csi: false, registry: false, cniConfiguration: false, components: [], ...more,
}); // prettier-ignore

const nodes = (role: NodeRoleName, count: number, more: Partial<NodeFacts> = {}) =>
  Array.from({ length: count }, (_, i) => aNode(role, i + 1, more));

export const runningCluster = (controls: number, workers: number, more: Partial<ClusterFacts> = {}): ClusterFacts => ({
  ...newCluster(controls, workers),
  state: 'Running',
  nodes: [...nodes('control', controls), ...nodes('worker', workers)],
  networkState: 'Implemented',
  hasRules: true,
  hasVerifiedRules: true,
  hasKeys: true,
  hasKubeconfig: true,
  hasProtection: true,
  ...more,
});

/** A cluster of each kind of operation with as many different steps as the operation has: tests run through their lists. */
export const CASES: Record<string, { kind: OperationKind; facts: ClusterFacts }> = {
  create: { kind: 'create', facts: newCluster(2, 2) },
  'create with everything': {
    kind: 'create',
    facts: newCluster(1, 1, { etcdCount: 1, csi: true, registry: true, cniConfiguration: true }),
  },
  start: {
    kind: 'start',
    facts: runningCluster(2, 2, {
      state: 'Stopped',
      nodes: [
        ...nodes('etcd', 1, { running: false }),
        ...nodes('control', 2, { running: false }),
        ...nodes('worker', 2, { running: false }),
      ],
    }),
  },
  stop: {
    kind: 'stop',
    facts: runningCluster(2, 2, { nodes: [...nodes('etcd', 1), ...nodes('control', 2), ...nodes('worker', 2)] }),
  },
  'scale up': { kind: 'scale', facts: runningCluster(1, 1, { request: { size: 3 } }) },
  'scale down': { kind: 'scale', facts: runningCluster(3, 4, { request: { size: 2 } }) },
  'scale: a control node leaves': {
    kind: 'scale',
    facts: runningCluster(3, 1, { request: { machineIds: ['vm-control-2'] } }),
  },
  'scale to a larger offering': {
    kind: 'scale',
    facts: runningCluster(1, 2, {
      nodes: [
        ...nodes('etcd', 1, { maxCpus: 2 }),
        ...nodes('control', 1),
        aNode('worker', 1),
        aNode('worker', 2, { maxCpus: 2 }),
      ],
      request: {
        offerings: { control: size('medium', 4, 4096), worker: size('medium', 4, 4096), etcd: size('medium', 4, 4096) },
      },
    }),
  },
  'scale up to a larger offering': {
    kind: 'scale',
    facts: runningCluster(1, 2, {
      nodes: [...nodes('control', 1), ...nodes('worker', 2, { maxCpus: 2 })],
      request: { size: 3, offerings: { worker: size('medium', 4, 4096) } },
    }),
  },
  'autoscaling on': {
    kind: 'scale',
    facts: runningCluster(1, 1, { request: { autoscaling: { enabled: true, min: 1, max: 3 } } }),
  },
  'autoscaling off': {
    kind: 'scale',
    facts: runningCluster(1, 1, { autoscaling: true, request: { autoscaling: { enabled: false } } }),
  },
  'scale while stopped': {
    kind: 'scaleStopped',
    facts: runningCluster(1, 1, {
      state: 'Stopped',
      request: { offerings: { control: size('large', 8, 16384), worker: size('large', 8, 16384) } },
    }),
  },
  upgrade: {
    kind: 'upgrade',
    facts: runningCluster(2, 2, { request: { version: { id: 'v34', semantic: '1.34.1' } } }),
  },
  'add nodes': { kind: 'addNodes', facts: runningCluster(1, 1, { request: { machineIds: ['m1', 'm2'] } }) },
  'remove nodes': {
    kind: 'removeNodes',
    facts: runningCluster(1, 2, {
      nodes: [aNode('control', 1), aNode('worker', 1), aNode('worker', 2, { external: true, machineId: 'm1' })],
      request: { machineIds: ['m1'] },
    }),
  },
  'replace a worker': {
    kind: 'replaceNode',
    facts: runningCluster(1, 2, { request: { machineIds: ['vm-worker-2'] } }),
  },
  'replace a control node': {
    kind: 'replaceNode',
    facts: runningCluster(3, 1, { request: { machineIds: ['vm-control-1'] } }),
  },
  'renew certificates': { kind: 'renew', facts: runningCluster(2, 1) },
  delete: { kind: 'delete', facts: runningCluster(2, 1) },
  'delete, one host down': {
    kind: 'delete',
    facts: runningCluster(1, 2, { nodes: [aNode('control', 1, { hostUp: false }), aNode('worker', 1)] }),
  },
};
