import { ApiException, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { Knex } from 'knex';
import { readSecret, type Sealer } from '../../db/secret.js';
import { fault, textOf } from '../../workflows/model/fault.js';

/** The cluster's API server, verified with the cluster's own CA from the sealed kubeconfig. */
export async function openKubernetes(db: Knex, sealer: Sealer, clusterId: string): Promise<CoreV1Api> {
  const secret = await readSecret(db, sealer, `cluster/${clusterId}`, 'kubeconfig');
  if (!secret) throw fault('Internal', `cluster ${clusterId} has no kubeconfig yet`);
  const config = new KubeConfig();
  config.loadFromString(secret.reveal());
  return config.makeApiClient(CoreV1Api);
}

/** The HTTP status of an answer, or undefined when the API server did not answer. */
export const statusOf = (error: unknown): number | undefined =>
  error instanceof ApiException ? error.code : undefined;

/** Runs one request; what goes wrong becomes a fault that says what was asked. */
export async function ask<T>(what: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined || status >= 500 || status === 429 || status === 409) {
      throw fault(
        'KubernetesUnreachable',
        `${what}: ${status === undefined ? `the API server does not answer: ${textOf(error)}` : `the API server answered ${status}`}`,
      );
    }
    const body: unknown = error instanceof ApiException ? error.body : undefined;
    throw fault('KubernetesRefused', `${what}: the API server refused (${status}): ${messageIn(body)}`);
  }
}

function messageIn(body: unknown): string {
  try {
    const parsed: unknown = typeof body === 'string' ? JSON.parse(body) : body;
    return String((parsed as { message?: unknown } | undefined)?.message ?? '');
  } catch {
    return '';
  }
}
