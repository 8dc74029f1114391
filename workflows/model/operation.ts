import type { FaultCode } from './faults.js';
import type { NodePhase } from './node-phase.js';
import type { Settings } from './settings.js';
import type { ClusterState, OperationKind } from './states.js';
import type { ZoneQueue } from './zone-queue.js';

/** Names that the API and the worker share. They are promises: recorded histories refer to them for ever. */
export const TASK_QUEUE = 'cks';
/** The worker deployment that builds (`CKS_BUILD_ID`) are versions of. */
export const DEPLOYMENT = 'cks';
export const workflowIdOf = (operationId: string): string => `op-${operationId}`;
/** The operation that a workflow id belongs to, if any. */
export const operationIdIn = (workflowId: string): string | undefined => /^op-(.+)$/.exec(workflowId)?.[1];

/** What a run of an operation starts with. Everything else it reads from the database. */
export interface OperationInput {
  operationId: string;
  /** Where its activities go; absent while every worker serves every zone. */
  queue?: ZoneQueue;
  /** Of the run that this one goes on from in a new history: what it did not leave to do, and what it was asked for. */
  ended?: EndedSteps;
  stop?: StopRequest;
  /** How long those before were paused: no part of the operation's limit. */
  pausedSeconds?: number;
}

/**
 * Titles of steps that earlier runs of an attempt ended. Not all of them can be told from facts: without this an operation with more
 * of those than a history holds would do the same ones over and over.
 */
export interface EndedSteps {
  done: string[];
  undone: string[];
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
  queue: ZoneQueue | undefined;
}

/** Where in which operation an activity acts: the key of its row in `operation_step`, and its proof of holding the cluster. */
export interface StepRef {
  operationId: string;
  clusterId: string;
  line: number;
  undo: boolean;
}

export type NodeRoleName = 'control' | 'worker' | 'etcd';
export interface NodeRef {
  role: NodeRoleName;
  /** 1 is the first of its role; a number is never used again while its node is there. */
  index: number;
}
export const nodeLabel = ({ role, index }: NodeRef): string => `${role}-${index}`;
export const sameNode = (a: NodeRef, b: NodeRef): boolean => a.role === b.role && a.index === b.index;

export interface NodeFacts extends NodeRef {
  machineId: string;
  /** Host name of the machine, the Kubernetes node name. */
  name: string;
  hostId: string | null;
  /** 'gone' = the machine's removal was confirmed; else how far it has come. */
  phase: NodePhase | 'gone';
  /** Whether its machine runs, as far as rows know. */
  running: boolean;
  /** False while its host does not answer: nothing on it can be reached. */
  hostUp: boolean;
  /** Kubernetes version that it runs. */
  version: string | null;
  staged: string | null;
  draining: boolean;
  /** A machine of the user's own: never made, stopped or deleted by us. */
  external: boolean;
  manualUpgrade: boolean;
  /** Made by this operation, in whichever attempt. */
  addedNow: boolean;
  /** The machine in whose place it was made; absent in facts of before revision 6. */
  replaces?: string | null;
  offeringId: string;
  maxCpus: number;
  maxRamMb: number;
  /** What it holds of its host, and what the host has left for all its machines; absent in facts of before revision 7, and on no host. */
  room?: { cpus: number; ramMb: number; freeCpus: number; freeRamMb: number };
}

export interface OfferingSize {
  id: string;
  name: string;
  cpus: number;
  ramMb: number;
  /** Tags that a host must have. */
  hostTags?: string[];
}
export interface VersionRef {
  id: string;
  semantic: string;
}

/** What was asked for, as the operation's row keeps it. */
export interface OperationRequest {
  /** Scale: workers wanted, external ones included. */
  size?: number;
  /** Scale: machines that leave. Add and remove nodes: the users' machines. Replace: the one. */
  machineIds?: string[];
  /** Scale: new offering by role. */
  offerings?: Partial<Record<NodeRoleName, OfferingSize>>;
  /** Scale: the new offering of nodes that have none of their own. */
  defaultOffering?: OfferingSize;
  autoscaling?: { enabled: boolean; min?: number; max?: number };
  /** Upgrade: the target. */
  version?: VersionRef;
  /** Add nodes: left out by upgrades. */
  manualUpgrade?: boolean;
}

/** Raised when lists change for the same facts. A run keeps the lists of the revision that it read with its facts. */
export const LIST_REVISION = 9;

/** What a list of steps is built from: read once, at the start of an attempt. */
export interface ClusterFacts {
  /** `LIST_REVISION` of the build that read the facts; absent before there was one. */
  revision?: number;
  clusterId: string;
  clusterName: string;
  clusterType: 'CloudManaged' | 'ExternalManaged';
  state: ClusterState;
  controlCount: number;
  workerCount: number;
  etcdCount: number;
  nodes: NodeFacts[];
  request: OperationRequest;
  /** Version of the cluster's row, and the one that its control plane was brought to by an upgrade that is not finished. */
  version: VersionRef | null;
  target: VersionRef | null;
  networkState: string;
  /** True when create made the network, so that delete removes it. */
  networkOwned: boolean;
  /** Shared networks have no gateway: nodes are reached directly. */
  networkShared: boolean;
  /** True once the cluster's rules are on the gateway. */
  hasRules: boolean;
  /** True once the gateway checks API servers with the cluster's CA. */
  hasVerifiedRules: boolean;
  hasKeys: boolean;
  hasKubeconfig: boolean;
  hasProtection: boolean;
  autoscaling: boolean;
  csi: boolean;
  registry: boolean;
  cniConfiguration: boolean;
  /** Names of the components whose manifests were applied. */
  components: string[];
}

/** Whether a run read its facts when lists were of an earlier revision than this: it goes on with the lists of that time. */
export const isBefore = (revision: number, facts: Pick<ClusterFacts, 'revision'>): boolean =>
  (facts.revision ?? 0) < revision;

export type StopRequest = 'cancel' | 'supersede';

/** What an operation's run knows that it was asked for. */
export interface Requests {
  paused: boolean;
  stop: StopRequest | null;
}

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
  /** Titles of steps that earlier attempts ended. */
  done: string[];
  /** Seconds since the attempt began: more than 0 when a run goes on in a new history. */
  elapsedSeconds: number;
}

export type End = 'succeeded' | 'failed' | 'cancelled' | 'superseded';

export interface Outcome {
  end: End;
  fault?: FaultCode;
  reason?: string;
  /** Of an operation that succeeded: what went wrong on the way without ending it. */
  warning?: string;
  /** The gist of what nodes said about themselves after it failed. */
  evidence?: string;
  /** Resting state that the failed step asks for instead of the operation's own. */
  rest?: ClusterState;
  /** What an undo could not take away, in words. */
  leftovers: string[];
  failedLines: { line: number; note: string }[];
  leftoverLines: { line: number; note: string }[];
  /** Lines whose work a cancel took away, also those that another line's undo covers. */
  undoneLines?: number[];
}
