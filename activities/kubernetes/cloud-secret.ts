import type { CoreV1Api } from '@kubernetes/client-node';
import type { ServiceIdentity } from '../../db/service-identity.js';
import { ask, statusOf } from './ask.js';

const WHERE = { name: 'cloudstack-secret', namespace: 'kube-system' };

/** Leaves the configuration that the cloud controller, the CSI driver and the autoscaler read, as the original's script writes it. */
export async function applyCloudSecret(api: CoreV1Api, identity: ServiceIdentity, endpointUrl: string): Promise<void> {
  const config = [
    '[Global]',
    `api-url = ${endpointUrl}`,
    `api-key = ${identity.apikey}`,
    `secret-key = ${identity.secretkey.reveal()}`,
    ...(identity.projectId ? [`project-id = ${identity.projectId}`] : []),
    '',
  ].join('\n');
  const body = { metadata: WHERE, type: 'Opaque', stringData: { 'cloud-config': config } };
  try {
    await api.createNamespacedSecret({ namespace: WHERE.namespace, body });
  } catch (error) {
    // A key that was changed meanwhile takes effect: the secret is replaced, unlike in the original.
    if (statusOf(error) === 409)
      await ask('replace the secret cloudstack-secret', () => api.replaceNamespacedSecret({ ...WHERE, body }));
    else await ask('create the secret cloudstack-secret', () => Promise.reject(error as Error));
  }
}
