import { rmSync } from 'node:fs';
import { createServer, get, type Server } from 'node:http';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { MetricsPlace } from './environment.js';

/** Metrics of the API server; what a process tells of itself (memory, event loop) has the same names in every process. */
const OF_API = /^(?:# (?:HELP|TYPE) )?cks_api_/;
const PASSED_ON_MS = 1000;

/** What the API server of this machine tells at its socket; nothing when it does not answer. */
function readApi(socketPath: string): Promise<string> {
  return new Promise((resolve) => {
    const nothing = () => resolve('');
    const request = get({ socketPath, path: '/metrics', timeout: PASSED_ON_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.once('error', nothing);
      response.once('end', () => resolve(text.split('\n').filter((line) => OF_API.test(line)).join('\n'))); // prettier-ignore
    });
    request.once('error', nothing).once('timeout', () => request.destroy());
  });
}

/**
 * Serves a registry at `/metrics`, and with it what the API server tells at `apiSocket`. A place that is taken, as by a second worker
 * on one machine, is a warning: nobody's cluster waits for a metric. Returns undefined then.
 */
export function serveMetrics(
  registry: Registry,
  place: MetricsPlace,
  log: Logger,
  apiSocket?: string,
): Promise<Server | undefined> {
  const server = createServer((request, response) => {
    if (request.url?.split('?')[0] !== '/metrics') return void response.writeHead(404).end('metrics are at /metrics\n');
    Promise.all([registry.metrics(), apiSocket ? readApi(apiSocket) : '']).then(
      ([own, api]) => response.writeHead(200, { 'Content-Type': registry.contentType }).end(`${own}${api}\n`),
      (error: unknown) => {
        log.warn({ error: (error as { code?: string }).code ?? 'failed' }, 'could not read the metrics');
        response.writeHead(503).end('the database does not answer\n');
      },
    );
  });
  const where = 'socket' in place ? place.socket : `http://${place.host}:${place.port}/metrics`;
  // What a killed process left.
  if ('socket' in place) rmSync(place.socket, { force: true });
  return new Promise((resolve) => {
    server.once('error', ({ code }: NodeJS.ErrnoException) => {
      log.warn({ code }, `no metrics: ${where} cannot be used; set METRICS_PORT to another port`);
      resolve(undefined);
    });
    server.listen('socket' in place ? { path: place.socket } : place, () => {
      log.info(`metrics are at ${where}`);
      resolve(server);
    });
    server.unref();
  });
}
