import { createServer, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import type { Knex } from 'knex';
import { pino, type Logger } from 'pino';
import { readSettings } from '../db/configuration.js';
import { assertKey, WrongKey } from '../db/key-check.js';
import { connect } from '../db/knex.js';
import { historyConverter } from '../db/history-codec.js';
import { Sealer } from '../db/secret.js';
import { apiMetrics } from '../metrics/api.js';
import { readMetricsPlace } from '../metrics/environment.js';
import { serveMetrics } from '../metrics/server.js';
import { createApp, type Deps } from './app.js';
import { readEnvironment, type ApiEnvironment } from './environment.js';

/** `cmk` signs by GET however long a call is, and a cookie jar comes along. */
const MAX_HEADER_BYTES = 256 * 1024;
/** Longest time to receive a request: an uploaded medium is several GB. */
const REQUEST_MS = 3_600_000;
/** Longer than balancers and clients keep an idle connection: whoever ends it first must be the one that asks, or a request meets the end. */
const IDLE_MS = 75_000;
const RETRY_MS = 1000;
/** Requests that are still open after this long at the end are cut off. */
const GRACE_MS = 10_000;

/** An HTTP server for the app. What Node refuses before the app sees it is answered in the usual shape too. */
export function createHttpServer(deps: Deps): Server {
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: REQUEST_MS, keepAliveTimeout: IDLE_MS },
    createApp(deps),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return socket.destroy();
    const [status, text] =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? [431, `The request line and headers are larger than ${MAX_HEADER_BYTES} bytes; use POST`]
        : [400, 'Malformed HTTP request'];
    const body = JSON.stringify({
      errorresponse: { uuidList: [], errorcode: status, cserrorcode: 9999, errortext: text },
    });
    socket.end(
      `HTTP/1.1 ${status} Refused\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  });
  return server;
}

/** Calls `attempt` until it succeeds or the program stops; says what is waited for, once per reason. */
async function until(attempt: () => Promise<void>, what: string, log: Logger, stopped: () => boolean): Promise<void> {
  let last = '';
  while (!stopped()) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof WrongKey) throw error;
      const reason = error instanceof Error ? error.message.split('\n')[0]! : String(error);
      if (reason !== last) log.warn({ reason }, `waiting for ${what}`);
      last = reason;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function temporalClient(env: NodeJS.ProcessEnv, converter: ReturnType<typeof historyConverter>): Promise<Client> {
  const { connectTemporal } = await import('../workflows/client.js');
  return connectTemporal(env, converter);
}

function listen(server: Server, { port, host }: ApiEnvironment): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new Error(`port ${port} is in use: set PORT to another one`) : error);
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

/** The API server program: listens at once, is ready when database and Temporal have answered. */
export async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const environment = readEnvironment(env);
  const metricsPlace = readMetricsPlace(env, 'api');
  const log = pino({ level: environment.logLevel, base: { part: 'api' } });
  const metrics = apiMetrics();
  const db: Knex = connect(environment.databaseUrl);
  const sealer = new Sealer(environment.encryptionKey);
  const converter = historyConverter(env, environment.encryptionKey);
  let temporal: Client | undefined;
  let kubernetesEnabled: boolean | undefined;
  let stopping = false;
  const server = createHttpServer({
    db,
    sealer,
    log,
    temporal: () => temporal,
    temporalUi: environment.temporalUi,
    home: environment.home,
    kubernetesEnabled: () => kubernetesEnabled,
    answered: metrics.answered,
  });
  const port = await listen(server, environment);
  log.info({ port }, `the API listens on port ${port}`);
  const metricsServer = await serveMetrics(metrics.registry, metricsPlace, log);

  const stop = (signal: string) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping: open requests are finished first');
    const cut = setTimeout(() => server.closeAllConnections(), GRACE_MS);
    // Connections that a request has just used are not kept open for another one.
    server.keepAliveTimeout = 1;
    metricsServer?.close();
    server.close(() => {
      clearTimeout(cut);
      void Promise.allSettled([db.destroy(), temporal?.connection.close()]).then(() => process.exit(0));
    });
    server.closeIdleConnections();
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);

  await Promise.all([
    until(
      async () => {
        await assertKey(db, sealer);
        kubernetesEnabled = (await readSettings(db))['cloud.kubernetes.service.enabled'];
      },
      'the database',
      log,
      () => stopping,
    ),
    until(
      async () => void (temporal = await temporalClient(env, converter)),
      'Temporal',
      log,
      () => stopping,
    ),
  ]);
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) {
  main(process.env).catch((error: unknown) => {
    // One clear line; the stack would only hide it.
    process.stderr.write(`cks api: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });
}
