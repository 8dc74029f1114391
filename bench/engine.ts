/** An operation of N no-op steps in one lane, rows written ÷ a bare chain of N no-op activities, same server, same run. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, NativeConnection, Worker } from '@temporalio/worker';
import pino from 'pino';
import { bookkeepingActivities, claimingActivities } from '../activities/bookkeeping.js';
import type { Deps } from '../activities/deps.js';
import { asSteps } from '../activities/step.js';
import { seedDefaults } from '../db/defaults.js';
import { connect, transact } from '../db/knex.js';
import { migrate } from '../db/migrate.js';
import { queueOperation } from '../db/operations.js';
import { addCluster } from '../db/create-cluster.js';
import { projectRoot } from '../db/project-root.js';
import { Sealer, Secret } from '../db/secret.js';
import { devServerArguments, readTemporalSettings } from '../scripts/temporal-settings.js';
import { findTemporal } from '../scripts/temporal.js';
import { TASK_QUEUE, workflowIdOf } from '../workflows/model/operation.js';
import { DEFAULT_SETTINGS } from '../workflows/model/settings.js';
import { report } from './results.js';
import { removeHome } from './service.js';

const N = 200;
const ROUNDS = 5;
const PORT = 17_533;

const home = mkdtempSync(path.join(tmpdir(), 'cks-bench-'));
const settings = readTemporalSettings();
const program = await findTemporal(() => undefined, process.env, settings);
const server = spawn(
  program,
  devServerArguments(settings, { port: PORT, uiPort: PORT + 1, dbFilename: path.join(home, 'temporal.db') }),
  { stdio: 'ignore' },
);
const address = `127.0.0.1:${PORT}`;
async function reach(): Promise<NativeConnection> {
  for (;;) {
    try {
      return await NativeConnection.connect({ address });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
const connection = await reach();
const client = new Client({ connection: await Connection.connect({ address }) });
const db = connect(`sqlite:${path.join(home, 'cks.db')}`);
await migrate(db);
const sealer = new Sealer(new Secret('bench'.repeat(10)));
await seedDefaults(db, sealer, {});
const user = await db('user').first<{ uuid: string; account_id: string }>();
const account = await db('account').first<{ domain_id: string }>();

const deps = { db, sealer, log: pino({ level: 'silent' }) } as unknown as Deps;
const { code } = await bundleWorkflowCode({
  workflowsPath: path.join(projectRoot(), 'bench/engine-workflows.ts'),
  logger: {
    ...console,
    log: () => undefined,
    trace: () => undefined,
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
  },
});
const noop = async () => undefined;
const steps = Object.fromEntries(
  Object.entries(asSteps(db, { noop })).map(([name, activity]) => [`bench.${name}`, activity]),
);
const worker = await Worker.create({
  connection,
  taskQueue: TASK_QUEUE,
  workflowBundle: { code },
  activities: { noop, ...steps, ...bookkeepingActivities(deps), ...claimingActivities(deps) },
});
const running = worker.run();

async function bare(): Promise<number> {
  const began = performance.now();
  await client.workflow.execute('bareChain', { taskQueue: TASK_QUEUE, workflowId: randomUUID(), args: [N] });
  return performance.now() - began;
}

async function operation(): Promise<number> {
  const queued = await transact(db, async (trx) => {
    const cluster = await addCluster(trx, {
      zoneId: 'none', versionId: undefined, offeringId: undefined, networkId: undefined, templateId: undefined, accountId: user.account_id, domainId: account.domain_id, name: 'bench',
      description: 'bench', networkOwned: false, controlOfferingId: undefined, workerOfferingId: undefined, etcdOfferingId: undefined, controlNodes: 1, workers: 1, etcdNodes: 0,
      keypair: undefined, rootDiskGb: 8, clusterType: 'CloudManaged', state: 'Created', cores: 0, memoryMb: 0, enableCsi: false,
    }); // prettier-ignore
    return queueOperation(trx, {
      kind: 'create',
      cluster,
      caller: { accountId: user.account_id, userId: user.uuid },
      settings: DEFAULT_SETTINGS,
      command: 'createKubernetesCluster',
    });
  });
  const began = performance.now();
  await client.workflow.execute('noopOperation', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowIdOf(queued.operationId),
    args: [{ operationId: queued.operationId, n: N }],
  });
  return performance.now() - began;
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
await bare();
await operation();
const bares: number[] = [];
const operations: number[] = [];
for (let i = 0; i < ROUNDS; i++) {
  bares.push(await bare());
  operations.push(await operation());
}
const written = await db('operation_step').where({ state: 'done' }).count<{ n: number }[]>({ n: '*' });
const ratio = median(operations) / median(bares);
worker.shutdown();
await running;
await connection.close();
await db.destroy();
server.kill('SIGTERM');
removeHome(home);
report('engine', 'npm run bench:engine', [
  `${ROUNDS} rounds of ${N} steps, in turn; step rows written: ${written[0]?.n}`,
  `bare chain:  median ${median(bares).toFixed(0)} ms (${(median(bares) / N).toFixed(1)} ms a step), ${bares.map((v) => v.toFixed(0)).join(' ')}`,
  `operation:   median ${median(operations).toFixed(0)} ms (${(median(operations) / N).toFixed(1)} ms a step), ${operations.map((v) => v.toFixed(0)).join(' ')}`,
  `ratio:       ${ratio.toFixed(3)} (limit 1.2)`,
]);
process.exit(ratio > 1.2 ? 1 : 0);
