import type { CoreV1Api } from '@kubernetes/client-node';
import type { ServiceIdentity } from '../../db/service-identity.js';
import { createOrReplace } from './ask.js';

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
  // A key that was changed meanwhile takes effect: the secret is replaced, unlike in the original.
  await createOrReplace(
    'the secret cloudstack-secret',
    () => api.createNamespacedSecret({ namespace: WHERE.namespace, body }),
    () => api.replaceNamespacedSecret({ ...WHERE, body }),
  );
}
