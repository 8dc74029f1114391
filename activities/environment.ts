import type { Secret } from '../db/secret.js';
import { readEncryptionKey } from '../db/encryption-key.js';
import path from 'node:path';

export interface WorkerEnvironment {
  /** The service's folder, shared with the API servers: fetched and uploaded images are there. */
  home: string;
  databaseUrl: string;
  encryptionKey: Secret;
  temporalAddress: string;
  temporalApiKey: string | undefined;
  temporalTls: boolean;
  namespace: string;
  logLevel: string;
  pollMs: number;
  /** The build that operations begun here stay with. Without one there are no builds: any worker goes on with any run. */
  buildId: string | undefined;
  /** Names or ids of the zones that this worker serves; undefined: all. */
  zones: string[] | undefined;
}

/** The worker's environment, checked once. Throws with the name of what is missing or wrong. */
export function readWorkerEnvironment(env: NodeJS.ProcessEnv): WorkerEnvironment {
  const home = path.resolve(env['CKS_HOME'] ?? '.cks');
  const pollMs = Number(env['CKS_POLL_MS'] ?? '500');
  if (!Number.isInteger(pollMs) || pollMs < 10)
    throw new Error(`CKS_POLL_MS takes a whole number of milliseconds from 10 on, found "${env['CKS_POLL_MS']}"`);
  return {
    home,
    databaseUrl: env['DATABASE_URL'] ?? `sqlite:${path.join(home, 'cks.db')}`,
    encryptionKey: readEncryptionKey(env, home),
    temporalAddress: env['TEMPORAL_ADDRESS'] ?? `127.0.0.1:${env['TEMPORAL_PORT'] ?? '7233'}`,
    temporalApiKey: env['TEMPORAL_API_KEY'],
    temporalTls: env['TEMPORAL_TLS'] === 'true',
    namespace: env['TEMPORAL_NAMESPACE'] ?? 'default',
    logLevel: env['CKS_LOG_LEVEL'] ?? 'info',
    pollMs,
    buildId: readBuildId(env['CKS_BUILD_ID']),
    zones: env['CKS_ZONES']?.split(',').flatMap((name) => name.trim() || []),
  };
}

function readBuildId(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^[\w.+-]{1,100}$/.test(text))
    throw new Error(`CKS_BUILD_ID takes up to 100 letters, digits and any of . _ + -, found "${text}"`);
  return text;
}
