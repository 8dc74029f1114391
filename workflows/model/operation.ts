import type { FaultCode } from './faults.js';
import type { NodePhase } from './node-phase.js';
import type { Settings } from './settings.js';
import type { ClusterState, OperationKind } from './states.js';

/** Names that the API and the worker share. They are promises: recorded histories refer to them for ever. */
export const TASK_QUEUE = 'cks';
export const workflowIdOf = (operationId: string): string => `op-${operationId}`;

/** What a run of an operation starts with. Everything else it reads from the database. */
export interface OperationInput {
  operationId: string;
}

/** What a run is started with, and what the Temporal Web UI shows of it. */
export interface RunToStart {
  operationId: string;
  kind: OperationKind;
  attempt: number;
  clusterId: string;
  clusterName: string;
  accountId: string;
  zoneName: string;
}

/** Where in which operation an activity acts: the key of its row in `operation_step`, and its proof of holding the cluster. */
export interface StepRef {
  operationId: string;
  clusterId: string;
  line: number;
  undo: boolean;
}

export type NodeRoleName = 'control' | 'worker';
export interface NodeRef {
  role: NodeRoleName;
  /** 1 is the first of its role. */
  index: number;
}
export const nodeLabel = ({ role, index }: NodeRef): string => `${role}-${index}`;

export interface NodeFacts extends NodeRef {
  hostId: string | null;
  /** 'gone' = the machine's removal was confirmed; else how far it has come. */
  phase: NodePhase | 'gone';
}

/** What a list of steps is built from: read once, at the start of an attempt. */
export interface ClusterFacts {
  clusterId: string;
  clusterName: string;
  clusterType: 'CloudManaged' | 'ExternalManaged';
  controlCount: number;
  workerCount: number;
  nodes: NodeFacts[];
  networkState: string;
  /** True when create made the network, so that delete removes it. */
  networkOwned: boolean;
  /** True once the cluster's rules are on the gateway. */
  hasRules: boolean;
  hasKeys: boolean;
  hasKubeconfig: boolean;
  hasProtection: boolean;
}

export type StopRequest = 'cancel' | 'supersede';

/** An attempt that now holds its cluster. */
export interface Claim {
  clusterId: string;
  kind: OperationKind;
  mode: 'run' | 'undo';
  attempt: number;
  settings: Settings;
  stop: StopRequest | null;
  paused: boolean;
  /** Titles of steps that earlier attempts began: what a cancel has to undo besides its own. */
  begun: string[];
}

export type End = 'succeeded' | 'failed' | 'cancelled' | 'superseded';

export interface Outcome {
  end: End;
  fault?: FaultCode;
  reason?: string;
  /** Resting state that the failed step asks for instead of the operation's own. */
  rest?: ClusterState;
  /** What an undo could not take away, in words. */
  leftovers: string[];
  failedLines: { line: number; note: string }[];
  leftoverLines: { line: number; note: string }[];
  /** Lines whose work a cancel took away, also those that another line's undo covers. */
  undoneLines?: number[];
}
