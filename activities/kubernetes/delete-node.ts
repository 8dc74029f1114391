import type { CoreV1Api } from '@kubernetes/client-node';
import { ask, statusOf } from './ask.js';

/** Deletes the Node object `name`; one that is not there is no fault. Throws `KubernetesUnreachable` and what else `ask` makes of an answer. */
export const deleteNodeObject = async (api: Pick<CoreV1Api, 'deleteNode'>, name: string): Promise<void> => {
  await api.deleteNode({ name }).catch((error: unknown) => {
    if (statusOf(error) !== 404) return ask(`delete node ${name}`, () => Promise.reject(error as Error));
    return undefined;
  });
};
