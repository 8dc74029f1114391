/** Cluster states and the moves between them (`behaviour.md` §3.1–3.2, design §5 "states"). */
export const CLUSTER_STATES = [
  'Created', 'Starting', 'Running', 'Stopping', 'Stopped', 'Scaling', 'ScalingStoppedCluster', 'Upgrading', 'Importing',
  'RemovingNodes', 'Alert', 'Recovering', 'Destroying', 'Destroyed', 'Error',
] as const; // prettier-ignore
export type ClusterState = (typeof CLUSTER_STATES)[number];

export const OPERATION_KINDS = ['create', 'delete'] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

export interface OperationRule {
  /** States in which the operation may begin. */
  from: readonly ClusterState[];
  during: ClusterState;
  done: ClusterState;
  /** Rest after a failure, unless the failed step names another. */
  failed: ClusterState;
  /** Rest after a cancel: a state, or the one before the operation. */
  cancelled: ClusterState | 'before';
  /** Event type (`api.md` §1.9). */
  event: string;
  /** Java class name shown as a job's `cmd` (`api.md` §1.8). */
  phrase: string;
}

const everyState = CLUSTER_STATES.filter((state) => state !== 'Destroyed');

/** What each operation does to its cluster's state: the only place that says so. */
export const OPERATIONS: Record<OperationKind, OperationRule> = {
  create: {
    from: ['Created', 'Error', 'Alert'],
    during: 'Starting',
    done: 'Running',
    failed: 'Error',
    cancelled: 'Error',
    event: 'KUBERNETES.CLUSTER.CREATE',
    phrase: 'creating Kubernetes cluster',
  },
  delete: {
    from: everyState,
    during: 'Destroying',
    done: 'Destroyed',
    failed: 'Destroying',
    cancelled: 'Destroying',
    event: 'KUBERNETES.CLUSTER.DELETE',
    phrase: 'deleting Kubernetes cluster',
  },
};

/** True when the table allows the move. A move to the same state is always allowed. */
export function mayMove(from: ClusterState, to: ClusterState): boolean {
  if (from === to) return true;
  return Object.values(OPERATIONS).some(
    (rule) =>
      (rule.from.includes(from) && rule.during === to) ||
      (rule.during === from && (rule.done === to || rule.failed === to || rule.cancelled === to || to === 'Alert')),
  );
}
