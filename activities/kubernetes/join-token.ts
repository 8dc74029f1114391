import { randomBytes } from 'node:crypto';
import { Secret } from '../../db/secret.js';
import type { Deps } from '../deps.js';
import { ask } from './ask.js';

const LIFE_SECONDS = 3600;

/** Characters of bootstrap tokens (Kubernetes docs "Authenticating with Bootstrap Tokens"): `[a-z0-9]{6}.[a-z0-9]{16}`. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const random = (length: number) =>
  Array.from(randomBytes(length * 2), (byte) => (byte < 252 ? ALPHABET[byte % 36] : ''))
    .join('')
    .slice(0, length);

/** Makes a random bootstrap token that lives one hour, for one join. */
export async function createJoinToken({ kubernetes }: Deps, clusterId: string): Promise<Secret> {
  const id = random(6);
  const secret = random(16);
  const api = await kubernetes.open(clusterId);
  await ask('create a join token', () =>
    api.createNamespacedSecret({
      namespace: 'kube-system',
      body: {
        metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
        type: 'bootstrap.kubernetes.io/token',
        stringData: {
          'token-id': id,
          'token-secret': secret,
          expiration: new Date(Date.now() + LIFE_SECONDS * 1000).toISOString().replace(/\.\d+Z$/, 'Z'),
          'usage-bootstrap-authentication': 'true',
          'usage-bootstrap-signing': 'true',
          'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
        },
      },
    }),
  );
  return new Secret(`${id}.${secret}`);
}
