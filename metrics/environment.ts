/** Where a process serves its metrics: on a port, or on a socket from which another process of this machine passes them on. */
export type MetricsPlace = { port: number; host: string } | { socket: string };

/** The API server's port is the one after the worker's, so that both run on one machine. */
const AFTER = { worker: 0, api: 1 } as const;

/**
 * `METRICS_PORT` and `METRICS_HOST`; with `METRICS_API_SOCKET`, as `npm start` has it, the API server is behind the worker's port.
 * Throws one line that names the variable.
 */
export function readMetricsPlace(env: NodeJS.ProcessEnv, part: keyof typeof AFTER): MetricsPlace {
  const text = env['METRICS_PORT'] || '9464';
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new Error(`METRICS_PORT must be a port from 1 to 65535, found "${text}"`);
  const socket = env['METRICS_API_SOCKET'];
  if (part === 'api' && socket) return { socket };
  return { port: Math.min(port + AFTER[part], 65535), host: env['METRICS_HOST'] || '127.0.0.1' };
}
