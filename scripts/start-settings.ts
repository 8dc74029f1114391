import { join, resolve } from 'node:path';
import type { Ports } from './ports.js';

export type Env = Record<string, string | undefined>;

/** What `npm start` was asked for, read once from the environment. */
export interface StartSettings {
  home: string;
  port: number;
  temporalPort: number;
  temporalUiPort: number;
  simulatorPort: number;
  metricsPort: number;
  demo: boolean;
  /** False: the parts run without the simulated zone. */
  simulator: boolean;
  /** Set when a Temporal of the user's is to be used instead of the dev server. */
  temporalAddress: string | undefined;
}

function port(env: Env, name: string, otherwise: number): number {
  const text = env[name];
  if (text === undefined || text === '') return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65535)
    throw new Error(`${name} must be a port from 1 to 65535, found "${text}"`);
  return value;
}

export function readStartSettings(env: Env, cwd = process.cwd()): StartSettings {
  return Object.freeze({
    home: resolve(cwd, env.CKS_HOME || '.cks'),
    port: port(env, 'PORT', 8080),
    temporalPort: port(env, 'TEMPORAL_PORT', 7233),
    temporalUiPort: port(env, 'TEMPORAL_UI_PORT', 8233),
    simulatorPort: port(env, 'SIMULATOR_PORT', 8090),
    metricsPort: port(env, 'METRICS_PORT', 9464),
    demo: env.CKS_DEMO !== '0' && env.SIMULATOR !== '0',
    simulator: env.SIMULATOR !== '0',
    temporalAddress: env.TEMPORAL_ADDRESS || undefined,
  });
}

export function portsOf(settings: StartSettings): Ports {
  return {
    PORT: settings.port,
    ...(settings.temporalAddress
      ? {}
      : { TEMPORAL_PORT: settings.temporalPort, TEMPORAL_UI_PORT: settings.temporalUiPort }),
    ...(settings.simulator ? { SIMULATOR_PORT: settings.simulatorPort } : {}),
    METRICS_PORT: settings.metricsPort,
  };
}

const SYSTEM =
  /^(PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|XDG_\w+|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|LD_LIBRARY_PATH)$/;
const NETWORK = /^(https?_proxy|no_proxy|all_proxy|HTTPS?_PROXY|NO_PROXY|ALL_PROXY|LIBVIRT_\w+|SSH_AUTH_SOCK|KRB5\w*)$/;
const SERVICE = /^(CKS_\w+|TEMPORAL_\w+|DATABASE_URL|SIMULATOR(_\w+)?|LOG_LEVEL|PORT|METRICS_\w+|HOST)$/;
const SECRET = /^(CKS_ENCRYPTION_KEY|DATABASE_URL|TEMPORAL_API_KEY|TEMPORAL_TLS\w*)$/;

/** Which of the user's variables a part gets: never more than it needs, and secrets only where they are used. */
export function environmentFor(
  part: 'service' | 'simulator' | 'temporal',
  settings: StartSettings,
  env: Env,
): Record<string, string> {
  const wanted = (name: string) => {
    if (SYSTEM.test(name)) return true;
    if (part === 'service') return NETWORK.test(name) || SERVICE.test(name);
    return part === 'simulator' && SERVICE.test(name) && !SECRET.test(name);
  };
  const given = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && wanted(entry[0]),
  );
  const own: Record<string, string> = { ...Object.fromEntries(given), CKS_HOME: settings.home, CKS_PART: '1' };
  if (part === 'temporal') return own;
  return {
    ...own,
    PORT: String(settings.port),
    TEMPORAL_PORT: String(settings.temporalPort),
    TEMPORAL_UI_PORT: String(settings.temporalUiPort),
    SIMULATOR: settings.simulator ? '1' : '0',
    SIMULATOR_PORT: String(settings.simulatorPort),
    METRICS_PORT: String(settings.metricsPort),
    METRICS_API_SOCKET: join(settings.home, 'run', 'api-metrics.sock'),
    TEMPORAL_ADDRESS: settings.temporalAddress ?? `127.0.0.1:${settings.temporalPort}`,
  };
}
