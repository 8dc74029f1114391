/** Cluster states and the moves between them (`behaviour.md` §3.1–3.2, design §5 "states"). */
export const CLUSTER_STATES = [
  'Created', 'Starting', 'Running', 'Stopping', 'Stopped', 'Scaling', 'ScalingStoppedCluster', 'Upgrading', 'Importing',
  'RemovingNodes', 'Alert', 'Recovering', 'Destroying', 'Destroyed', 'Error',
] as const; // prettier-ignore
export type ClusterState = (typeof CLUSTER_STATES)[number];

export const OPERATION_KINDS = [
  'create', 'start', 'stop', 'scale', 'scaleStopped', 'upgrade', 'addNodes', 'removeNodes', 'replaceNode', 'renew', 'delete',
] as const; // prettier-ignore
export type OperationKind = (typeof OPERATION_KINDS)[number];

export interface OperationRule {
  /** States in which the operation may begin. A further attempt also begins where an earlier one came to rest. */
  from: readonly ClusterState[];
  during: ClusterState;
  done: ClusterState;
  /** Rest after a failure, unless the failed step names another. */
  failed: ClusterState;
  /** Rest after a cancel: a state, or the one before the operation. */
  cancelled: ClusterState | 'before';
  /** Event type (`api.md` §1.9). */
  event: string;
  /** What it does, in the words of events and summaries. */
  phrase: string;
  /** Its job answers `{"success":true}` instead of the cluster. */
  answersSuccess?: boolean;
}

const everyState = CLUSTER_STATES.filter((state) => state !== 'Destroyed');

/** What each operation does to its cluster's state: the only place that says so. */
export const OPERATIONS: Record<OperationKind, OperationRule> = {
  create: {
    from: ['Created'],
    during: 'Starting',
    done: 'Running',
    failed: 'Error',
    cancelled: 'Error',
    event: 'KUBERNETES.CLUSTER.CREATE',
    phrase: 'creating Kubernetes cluster',
  },
  start: {
    from: ['Stopped', 'Alert'],
    during: 'Starting',
    done: 'Running',
    failed: 'Alert',
    cancelled: 'before',
    event: 'KUBERNETES.CLUSTER.START',
    phrase: 'starting Kubernetes cluster',
  },
  stop: {
    from: ['Running', 'Alert'],
    during: 'Stopping',
    done: 'Stopped',
    failed: 'Alert',
    cancelled: 'before',
    event: 'KUBERNETES.CLUSTER.STOP',
    phrase: 'stopping Kubernetes cluster',
    answersSuccess: true,
  },
  scale: {
    from: ['Running'],
    during: 'Scaling',
    done: 'Running',
    failed: 'Alert',
    cancelled: 'before',
    event: 'KUBERNETES.CLUSTER.SCALE',
    phrase: 'scaling Kubernetes cluster',
  },
  scaleStopped: {
    from: ['Stopped'],
    during: 'ScalingStoppedCluster',
    done: 'Stopped',
    failed: 'Alert',
    cancelled: 'before',
    event: 'KUBERNETES.CLUSTER.SCALE',
    phrase: 'scaling stopped Kubernetes cluster',
  },
  upgrade: {
    from: ['Running'],
    during: 'Upgrading',
    done: 'Running',
    failed: 'Alert',
    cancelled: 'before',
    event: 'KUBERNETES.CLUSTER.UPGRADE',
    phrase: 'upgrading Kubernetes cluster',
  },
  addNodes: {
    from: ['Running', 'Alert'],
    during: 'Importing',
    done: 'Running',
    failed: 'Running',
    cancelled: 'before',
    event: 'KUBERNETES.CLUSTER.NODES.ADD',
    phrase: 'adding nodes to Kubernetes cluster',
  },
  removeNodes: {
    from: ['Running', 'Alert'],
    during: 'RemovingNodes',
    done: 'Running',
    failed: 'Running',
    cancelled: 'before',
    event: 'KUBERNETES.CLUSTER.NODES.REMOVE',
    phrase: 'removing nodes from Kubernetes cluster',
  },
  replaceNode: {
    from: ['Running', 'Alert'],
    during: 'Scaling',
    done: 'Running',
    failed: 'Alert',
    cancelled: 'before',
    event: 'KUBERNETES.CLUSTER.SCALE',
    phrase: 'replacing a node of Kubernetes cluster',
  },
  renew: {
    from: ['Running', 'Alert'],
    during: 'Recovering',
    done: 'Running',
    failed: 'Alert',
    cancelled: 'before',
    event: 'KUBERNETES.CLUSTER.UPGRADE',
    phrase: 'renewing the certificates of Kubernetes cluster',
  },
  delete: {
    from: everyState,
    during: 'Destroying',
    done: 'Destroyed',
    failed: 'Destroying',
    cancelled: 'Destroying',
    event: 'KUBERNETES.CLUSTER.DELETE',
    phrase: 'deleting Kubernetes cluster',
    answersSuccess: true,
  },
};

/** Where a resting cluster goes by itself, when the scan has seen why (`behaviour.md` §5.16). */
const SEEN: readonly (readonly [ClusterState, ClusterState])[] = [
  ['Running', 'Alert'],
  ['Alert', 'Recovering'],
  ['Recovering', 'Running'],
  ['Alert', 'Stopped'],
  ['Stopped', 'Alert'],
];

/** True when an operation may begin: fresh ones from the table, further attempts also from where the last one came to rest. */
export const mayBegin = (kind: OperationKind, from: ClusterState, furtherAttempt: boolean): boolean => {
  const { from: states, failed } = OPERATIONS[kind];
  return states.includes(from) || (furtherAttempt && (from === failed || (from === 'Alert' && kind !== 'delete')));
};

/** True when the table allows the move. A move to the same state is always allowed. */
export function mayMove(from: ClusterState, to: ClusterState): boolean {
  if (from === to || SEEN.some(([before, after]) => before === from && after === to)) return true;
  return OPERATION_KINDS.some((kind) => {
    const rule = OPERATIONS[kind];
    if (mayBegin(kind, from, true) && rule.during === to) return true;
    if (rule.during !== from) return false;
    return (
      [rule.done, rule.failed, 'Alert'].includes(to) ||
      rule.cancelled === to ||
      (rule.cancelled === 'before' && mayBegin(kind, to, true))
    );
  });
}
