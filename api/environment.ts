import { join, resolve } from 'node:path';
import { z } from 'zod';
import { readEncryptionKey } from '../db/encryption-key.js';
import type { Secret } from '../db/secret.js';

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port from 0 to 65535')
  .transform(Number)
  .refine((value) => value <= 65535, 'must be a port from 0 to 65535');

const schema = z.object({
  CKS_HOME: z.string().default('.cks'),
  DATABASE_URL: z
    .string()
    .regex(/^(mysql:\/\/|sqlite:)/, 'must begin with mysql:// or sqlite:')
    .optional(),
  PORT: port.default(8080),
  HOST: z.string().optional(),
  TEMPORAL_UI_PORT: port.default(8233),
  TEMPORAL_UI_URL: z.url('must be a URL').optional(),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  CKS_LOG_LEVEL: z
    .enum(
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      'must be trace, debug, info, warn, error, fatal or silent',
    )
    .default('info'),
});

export interface ApiEnvironment {
  home: string;
  databaseUrl: string;
  encryptionKey: Secret;
  port: number;
  /** Address to listen on; undefined: all. */
  host: string | undefined;
  logLevel: string;
  /** Address of the Temporal Web UI, for links. */
  temporalUi: string;
}

/** Reads and checks the environment once. Throws one line that names the variable. */
export function readEnvironment(env: NodeJS.ProcessEnv): Readonly<ApiEnvironment> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`${String(issue?.path[0] ?? 'the environment')} ${issue?.message ?? 'is not valid'}`);
  }
  const { CKS_HOME, DATABASE_URL, PORT, HOST, CKS_LOG_LEVEL, TEMPORAL_UI_PORT, TEMPORAL_UI_URL, TEMPORAL_NAMESPACE } =
    parsed.data;
  const home = resolve(CKS_HOME);
  return Object.freeze({
    home,
    databaseUrl: DATABASE_URL ?? `sqlite:${join(home, 'cks.db')}`,
    encryptionKey: readEncryptionKey(env, home),
    port: PORT,
    host: HOST,
    logLevel: CKS_LOG_LEVEL,
    temporalUi: `${(TEMPORAL_UI_URL ?? `http://127.0.0.1:${TEMPORAL_UI_PORT}`).replace(/\/+$/, '')}/namespaces/${TEMPORAL_NAMESPACE}`,
  });
}
