import { Client, Connection, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { TASK_QUEUE, workflowIdOf, type RunToStart, type StopRequest } from './model/operation.js';
import type { OperationKind } from './model/states.js';

/** Workflow type of each operation: a promise, recorded in histories. */
export const WORKFLOW_OF: Record<OperationKind, string> = { create: 'createCluster', delete: 'deleteCluster' };

const key = (name: string) => defineSearchAttributeKey(name, 'KEYWORD');
const ATTRIBUTES = {
  cluster: key('CksCluster'), clusterName: key('CksClusterName'), operation: key('CksOperation'), account: key('CksAccount'), zone: key('CksZone'),
}; // prettier-ignore

/** A lazy connection: it is made at the first call and made again when Temporal comes back. */
export async function connectTemporal(env: NodeJS.ProcessEnv): Promise<Client> {
  const connection = Connection.lazy({
    address: env['TEMPORAL_ADDRESS'] ?? `127.0.0.1:${env['TEMPORAL_PORT'] ?? '7233'}`,
    ...(env['TEMPORAL_API_KEY'] && { apiKey: env['TEMPORAL_API_KEY'] }),
    ...(env['TEMPORAL_TLS'] === 'true' && { tls: true }),
  });
  return new Client({ connection, namespace: env['TEMPORAL_NAMESPACE'] ?? 'default' });
}

/** Starts the run of a queued operation. Starting twice, late or after the end does nothing (false). */
export async function startRun(client: Client, run: RunToStart): Promise<boolean> {
  try {
    await client.workflow.start(WORKFLOW_OF[run.kind], {
      taskQueue: TASK_QUEUE,
      workflowId: workflowIdOf(run.operationId),
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowTaskTimeout: '5s',
      args: [{ operationId: run.operationId }],
      staticSummary: `${run.kind} cluster ${run.clusterName}${run.attempt > 1 ? ` (attempt ${run.attempt})` : ''}`,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: ATTRIBUTES.cluster, value: run.clusterId },
        { key: ATTRIBUTES.clusterName, value: run.clusterName.slice(0, 250) },
        { key: ATTRIBUTES.operation, value: run.kind },
        { key: ATTRIBUTES.account, value: run.accountId },
        { key: ATTRIBUTES.zone, value: run.zoneName },
      ]),
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

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

/** True while the operation's run is open. */
export async function isRunOpen(client: Client, operationId: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(workflowIdOf(operationId)).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
