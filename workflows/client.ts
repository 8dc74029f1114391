import { Client, Connection, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import {
  defaultPayloadConverter,
  defineSearchAttributeKey,
  TypedSearchAttributes,
  type DataConverter,
} from '@temporalio/common';
import { fault } from './model/fault.js';
import { isFaultCode } from './model/faults.js';
import {
  DEPLOYMENT,
  TASK_QUEUE,
  workflowIdOf,
  type OperationInput,
  type Requests,
  type RunToStart,
  type StopRequest,
} from './model/operation.js';
import { PROBE_SECONDS, type ProbeAnswer, type ProbeRequest } from './model/probe.js';
import { imageRunId, type ImageRunInput } from './model/image.js';
import { machineWorkflowIdOf, type MachineChangeInput, type MachineChangeKind } from './model/machine-change.js';
import { networkWorkflowIdOf, type NetworkChangeInput } from './model/network-change.js';
import type { OperationKind } from './model/states.js';

/** Workflow type of each operation: a promise, recorded in histories. */
export const WORKFLOW_OF: Record<OperationKind, string> = {
  create: 'createCluster',
  start: 'startCluster',
  stop: 'stopCluster',
  scale: 'scaleCluster',
  scaleStopped: 'scaleStoppedCluster',
  upgrade: 'upgradeCluster',
  addNodes: 'addNodes',
  removeNodes: 'removeNodes',
  replaceNode: 'replaceNode',
  renew: 'renewCertificates',
  delete: 'deleteCluster',
};

const key = (name: string) => defineSearchAttributeKey(name, 'KEYWORD');
const ATTRIBUTES = {
  cluster: key('CksCluster'), clusterName: key('CksClusterName'), operation: key('CksOperation'), account: key('CksAccount'), zone: key('CksZone'), state: key('CksState'),
}; // prettier-ignore

/** A lazy connection: it is made at the first call and made again when Temporal comes back. */
export async function connectTemporal(env: NodeJS.ProcessEnv, dataConverter: DataConverter = {}): Promise<Client> {
  const connection = Connection.lazy({
    address: env['TEMPORAL_ADDRESS'] ?? `127.0.0.1:${env['TEMPORAL_PORT'] ?? '7233'}`,
    ...(env['TEMPORAL_API_KEY'] && { apiKey: env['TEMPORAL_API_KEY'] }),
    ...(env['TEMPORAL_TLS'] === 'true' && { tls: true }),
  });
  return new Client({ connection, namespace: env['TEMPORAL_NAMESPACE'] ?? 'default', dataConverter });
}

/** Starts the run of a queued operation. Starting twice, late or after the end does nothing (false). */
export async function startRun(client: Client, run: RunToStart): Promise<boolean> {
  try {
    await client.workflow.start(WORKFLOW_OF[run.kind], {
      taskQueue: TASK_QUEUE,
      workflowId: workflowIdOf(run.operationId),
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowTaskTimeout: '5s',
      args: [{ operationId: run.operationId, ...(run.queue && { queue: run.queue }) } satisfies OperationInput],
      staticSummary: `${run.kind} cluster ${run.clusterName}${run.attempt > 1 ? ` (attempt ${run.attempt})` : ''}`,
      staticDetails: detailsOf(run),
      typedSearchAttributes: new TypedSearchAttributes([
        { key: ATTRIBUTES.cluster, value: run.clusterId },
        { key: ATTRIBUTES.clusterName, value: run.clusterName.slice(0, 250) },
        { key: ATTRIBUTES.operation, value: run.kind },
        { key: ATTRIBUTES.account, value: run.accountId },
        { key: ATTRIBUTES.zone, value: run.zoneName },
        { key: ATTRIBUTES.state, value: 'running' },
      ]),
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

/** What somebody who meets the run in the Temporal Web UI has to know of it. */
const detailsOf = ({ operationId, kind, attempt, clusterId, clusterName, accountId, zoneName }: RunToStart): string =>
  [
    `${kind} of cluster **${clusterName.replace(/[^\w .-]/g, '')}** (\`${clusterId}\`) in zone ${zoneName}, account \`${accountId}\`; attempt ${attempt}.`,
    `From the database: \`cs listKubernetesClusterOperations id=${operationId}\``,
  ].join('\n\n');

/** Tells a run to end at its next safe point. False when there is no such run. */
export const signalStop = (client: Client, operationId: string, request: StopRequest): Promise<boolean> =>
  signal(client, operationId, 'stop', request);

export const signalPause = (client: Client, operationId: string, on: boolean): Promise<boolean> =>
  signal(client, operationId, 'pause', on);

async function signal(client: Client, operationId: string, name: string, value: unknown): Promise<boolean> {
  try {
    await client.workflow.getHandle(workflowIdOf(operationId)).signal(name, value);
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** What the operation's run knows that it was asked for; a look that leaves nothing in its history. */
export const readRequests = (client: Client, operationId: string): Promise<Requests> =>
  client.workflow.getHandle(workflowIdOf(operationId)).query<Requests>('requests');

/** Ids of workflows of operations whose runs are open, as Temporal's list has them: it follows the runs by a moment. */
export async function listOpenRuns(client: Client): Promise<Set<string>> {
  const open = new Set<string>();
  const query = `ExecutionStatus = 'Running' AND WorkflowId STARTS_WITH '${workflowIdOf('')}'`;
  for await (const { workflowId } of client.workflow.list({ query, pageSize: 1000 })) open.add(workflowId);
  return open;
}

/** Open runs that stay with another build than `own`, by build. */
export async function listRunsOfOtherBuilds(client: Client, own: string | undefined): Promise<Map<string, string[]>> {
  const runs = new Map<string, string[]>();
  const others = own === undefined ? '' : ` AND TemporalWorkerDeploymentVersion != '${DEPLOYMENT}:${own}'`;
  const query = `ExecutionStatus = 'Running' AND TemporalWorkflowVersioningBehavior = 'Pinned'${others}`;
  for await (const { workflowId, raw } of client.workflow.list({ query, pageSize: 1000 })) {
    const version = raw.searchAttributes?.indexedFields?.['TemporalWorkerDeploymentVersion'];
    const build = version && defaultPayloadConverter.fromPayload<string>(version).slice(DEPLOYMENT.length + 1);
    if (build) runs.set(build, [...(runs.get(build) ?? []), workflowId]);
  }
  return runs;
}

/** How long a run's worker may take to answer a question that needs nothing but the worker. */
const QUESTION_MS = 5000;
const DEADLINE_EXCEEDED = 4;
const FAILED_PRECONDITION = 9;

/** False when no worker that may work on the run answers. */
export async function isServed(client: Client, workflowId: string): Promise<boolean> {
  try {
    const { workflow } = client;
    await client.withDeadline(Date.now() + QUESTION_MS, () =>
      workflow.getHandle(workflowId).query('__temporal_workflow_metadata'),
    );
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return true;
    const code = (error as { cause?: { code?: unknown } }).cause?.code;
    // The second: Temporal knows of no worker and does not wait for one.
    if (code === DEADLINE_EXCEEDED || code === FAILED_PRECONDITION) return false;
    throw error;
  }
}

/** Ends a run at once, with nothing undone. One that has ended stays as it is. */
export async function terminateRun(client: Client, workflowId: string, reason: string): Promise<void> {
  try {
    await client.workflow.getHandle(workflowId).terminate(reason);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

/** True while the operation's run is open. */
export async function isRunOpen(client: Client, operationId: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(workflowIdOf(operationId)).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Seconds beyond the run's own limit after which a caller is told that Temporal itself does not answer. */
const ANSWER_GRACE = 5;

/**
 * Has a worker look at a host, and waits. `id` makes the look a run of its own. Throws the fault that the look ended with, or
 * `HostUnreachable` when no worker did it in time.
 */
export async function probe(client: Client, id: string, asked: ProbeRequest): Promise<ProbeAnswer> {
  const late = () => fault('HostUnreachable', `no worker looked at it within ${PROBE_SECONDS} s: is one running, and is Temporal up?`); // prettier-ignore
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), (PROBE_SECONDS + ANSWER_GRACE) * 1000);
  });
  const look = client.workflow.execute<(asked: ProbeRequest) => Promise<ProbeAnswer>>('probeHost', {
    taskQueue: TASK_QUEUE,
    workflowId: `probe-${id}`,
    workflowRunTimeout: `${PROBE_SECONDS}s`,
    workflowTaskTimeout: '5s',
    args: [asked],
    staticSummary: 'hostId' in asked ? 'look at a host' : `read the host key of ${asked.address}`,
  });
  try {
    return await Promise.race([look, limit]);
  } catch (error) {
    throw faultIn(error) ?? late();
  } finally {
    clearTimeout(timer);
    // The look may end after its caller gave up.
    look.catch(() => undefined);
  }
}

/** The fault of ours that a failed run ended with. */
function faultIn(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  return isFaultCode((error as { type?: unknown }).type) ? error : faultIn(error.cause);
}

/** Starts the run that brings an image to its pools, or away from them. False when one is working on it. */
export async function startImageRun(client: Client, imageId: string): Promise<boolean> {
  try {
    const input: ImageRunInput = { imageId };
    await client.workflow.start('fetchImage', {
      taskQueue: TASK_QUEUE,
      workflowId: imageRunId(imageId),
      workflowTaskTimeout: '5s',
      args: [input],
      staticSummary: `bring image ${imageId} to its pools, or away from them`,
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

/** Starts the run that brings a change of rows to its gateway. Starting twice, late or after the end does nothing (false). */
export async function startNetworkRun(client: Client, input: NetworkChangeInput): Promise<boolean> {
  try {
    await client.workflow.start('applyNetwork', {
      taskQueue: TASK_QUEUE,
      workflowId: networkWorkflowIdOf(input.jobId),
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowTaskTimeout: '5s',
      args: [input],
      staticSummary: `apply ${input.vpcId === null ? `network ${input.networkId}` : `VPC ${input.vpcId}`}`,
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

/** True while the run of a network change is open. */
export async function isNetworkRunOpen(client: Client, jobId: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(networkWorkflowIdOf(jobId)).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/**
 * Starts the run of a change of a machine, also again after a run that was lost, failed or ended from outside. False when one is
 * open, or has done its work.
 */
export async function startMachineRun(
  client: Client,
  change: { jobId: string; kind: MachineChangeKind; machineName: string },
): Promise<boolean> {
  try {
    const input: MachineChangeInput = { jobId: change.jobId };
    await client.workflow.start('changeMachine', {
      taskQueue: TASK_QUEUE,
      workflowId: machineWorkflowIdOf(change.jobId),
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      workflowTaskTimeout: '5s',
      args: [input],
      staticSummary: `${change.kind} machine ${change.machineName}`,
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

/** True while the run of a machine's change is open. */
export async function isMachineRunOpen(client: Client, jobId: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(machineWorkflowIdOf(jobId)).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
