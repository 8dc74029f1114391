import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import pino from 'pino';
import { buildActivities, registered } from './activities/index.js';
import { driversFor } from './activities/drivers.js';
import { readWorkerEnvironment } from './activities/environment.js';
import { openImageStore } from './activities/images/open-store.js';
import { keepSchedules } from './activities/schedules.js';
import { keepZoneQueues } from './activities/zone-workers.js';
import { KubernetesClients } from './activities/kubernetes/clients.js';
import { assertKey, WrongKey } from './db/key-check.js';
import { historyConverter } from './db/history-codec.js';
import { connect } from './db/knex.js';
import { readMetricsPlace } from './metrics/environment.js';
import { serveMetrics } from './metrics/server.js';
import { timedActivities } from './metrics/activities.js';
import { workerMetrics } from './metrics/worker.js';
import { Sealer } from './db/secret.js';
import { projectRoot } from './db/project-root.js';
import { connectTemporal } from './workflows/client.js';
import { textOf } from './workflows/model/fault.js';
import { DEPLOYMENT, TASK_QUEUE } from './workflows/model/operation.js';

/** How long calls to hosts may still run when this process is told to stop. */
const STOP_GRACE_MS = 5000;

/** Open runs kept in memory; past these a run's next step begins with a replay of its whole history. */
const MOST_KEPT_RUNS = 1000;

const env = readWorkerEnvironment(process.env);
const metricsPlace = readMetricsPlace(process.env, 'worker');
const log = pino({ name: 'worker', level: env.logLevel });

const db = connect(env.databaseUrl);
const sealer = new Sealer(env.encryptionKey);
await assertKeyPatiently();

Runtime.install({
  shutdownSignals: ['SIGINT', 'SIGTERM'],
  logger: {
    log: (level, message, meta) => log[levelOf(level)](safe(meta), message),
    trace: () => undefined,
    debug: () => undefined,
    info: (message, meta) => log.debug(safe(meta), message),
    warn: (message, meta) => log.warn(safe(meta), message),
    error: (message, meta) => log.error(safe(meta), message),
  },
  telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN' } } },
});

const connection = await connectPatiently();
const dataConverter = historyConverter(process.env, env.encryptionKey);
const temporal = await connectTemporal(process.env, dataConverter);
const images = openImageStore(db, env);
const drivers = driversFor({ db, sealer, libvirt: { log: (line) => log.debug({ line }, 'libvirt') } });
const metrics = workerMetrics(db, drivers.libvirtStarts);
const activities = buildActivities({
  db,
  sealer,
  kubernetes: new KubernetesClients(db, sealer),
  ...drivers,
  images,
  fetchImage: (image, rules) => images.fetch(image, rules),
  temporal,
  log,
  cksNode: await readFile(path.join(projectRoot(), 'guest/cks-node')),
  pollMs: env.pollMs,
  buildId: env.buildId,
  scanEnded: (zone, seconds) => metrics.scanEnded(zone, seconds),
});
const shared = {
  connection,
  dataConverter,
  namespace: env.namespace,
  activities: registered(activities),
  shutdownGraceTime: '15s',
  shutdownForceTime: '25s',
  stickyQueueScheduleToStartTimeout: '2s',
  maxHeartbeatThrottleInterval: '1s',
  defaultHeartbeatThrottleInterval: '1s',
  maxCachedWorkflows: MOST_KEPT_RUNS,
  interceptors: { activity: [timedActivities(metrics)] },
  // A run ends on the build that it began on: its list of steps is that build's.
  ...(env.buildId !== undefined && {
    workerDeploymentOptions: {
      version: { deploymentName: DEPLOYMENT, buildId: env.buildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'PINNED',
    },
  }),
} satisfies Partial<WorkerOptions>;
const worker = await Worker.create({
  ...shared,
  taskQueue: TASK_QUEUE,
  workflowBundle: { codePath: path.join(projectRoot(), 'dist/workflow-bundle.js') },
});
const ofZones: Promise<void>[] = [];
const serveZone = async (taskQueue: string) => {
  const run = (await Worker.create({ ...shared, taskQueue })).run();
  ofZones.push(run);
  // Without it a zone would have no worker while this process looks well: it is started again.
  run.catch((error: unknown) => {
    log.fatal({ taskQueue, error: textOf(error) }, 'the work on a zone broke off');
    process.exit(1);
  });
};
// A call to a host that hangs would hold this process up; another worker makes it again.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void drivers.close(STOP_GRACE_MS));
log.info({ taskQueue: TASK_QUEUE, ...(env.buildId !== undefined && { build: env.buildId }) }, 'worker is up');
const metricsServer = await serveMetrics(metrics.registry, metricsPlace, log, process.env['METRICS_API_SOCKET']);
const stopSchedules = keepSchedules(temporal, db, log);
const stopZones = keepZoneQueues(db, env.zones, serveZone, log);
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, stopZones);
try {
  await worker.run();
  await Promise.all(ofZones);
} finally {
  stopZones();
  stopSchedules();
  metricsServer?.close();
  await drivers.close();
  await connection.close();
  await db.destroy();
}
process.exit(0);

/** The database may come up later than this process; with another key than its own nothing is begun. */
async function assertKeyPatiently(): Promise<void> {
  for (let last = ''; ;)
    try {
      return await assertKey(db, sealer);
    } catch (error) {
      const reason = (error as Error).message.split('\n')[0] ?? '';
      if (error instanceof WrongKey) {
        process.stderr.write(`cks worker: ${reason}\n`);
        process.exit(1);
      }
      if (reason !== last) log.warn({ reason }, 'waiting for the database');
      last = reason;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
}

/** Temporal may come up later than this process. */
async function connectPatiently(): Promise<NativeConnection> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await NativeConnection.connect({
        address: env.temporalAddress,
        ...(env.temporalApiKey && { apiKey: env.temporalApiKey }),
        ...(env.temporalTls && { tls: true }),
      });
    } catch (error) {
      if (attempt === 1) log.info({ address: env.temporalAddress }, 'waiting for Temporal');
      if (attempt > 600) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

function levelOf(level: string): 'debug' | 'info' | 'warn' | 'error' {
  return level === 'ERROR' ? 'error' : level === 'WARN' ? 'warn' : 'debug';
}

function safe(meta: unknown): object {
  const { error, ...rest } = (meta ?? {}) as { error?: unknown };
  return error instanceof Error ? { ...rest, error: error.message } : { ...rest };
}
