import { ApiException } from '@kubernetes/client-node';
import { fault, textOf } from '../../workflows/model/fault.js';

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
        `${what}: ${status === undefined ? `the API server does not answer: ${whyOf(error)}` : `the API server answered ${status}`}`,
      );
    }
    const body: unknown = error instanceof ApiException ? error.body : undefined;
    throw fault('KubernetesRefused', `${what}: the API server refused (${status}): ${messageIn(body)}`);
  }
}

/** Leaves an object as it should be, whether it was there before or not. */
export async function createOrReplace(
  what: string,
  create: () => Promise<unknown>,
  replace: () => Promise<unknown>,
): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (statusOf(error) === 409) await ask(`replace ${what}`, replace);
    else await ask(`create ${what}`, () => Promise.reject(error as Error));
  }
}

/** A request that was ended from here says no more than that. */
const whyOf = (error: unknown): string =>
  error instanceof Error && error.name === 'AbortError' ? 'it took too long' : textOf(error);

/** The message of a Kubernetes Status object, or nothing. */
function messageIn(body: unknown): string {
  try {
    const parsed = (typeof body === 'string' ? JSON.parse(body) : body) as { message?: unknown } | undefined;
    return typeof parsed?.message === 'string' ? parsed.message : '';
  } catch {
    return '';
  }
}
