/**
 * The scan of a zone with many resting clusters (rows and domains are seeded, API servers are not asked): its time, what it reads, the worker's
 * memory, and the CPU of all parts while nothing else happens. Clusters and idle minutes are arguments: `npm run bench:scan -- 10000 10`.
 */
import pino from 'pino';
import type { Deps } from '../activities/deps.js';
import { driversFor } from '../activities/drivers.js';
import { zoneScanActivities } from '../activities/zone-scan.js';
import { DEFAULT_ZONE } from '../db/defaults.js';
import { Sealer, Secret } from '../db/secret.js';
import { connectTemporal } from '../workflows/client.js';
import { openDatabase } from './database.js';
import { seedClusters, seedHosts } from './large-zone.js';
import { cpuSeconds, residentMb } from './processes.js';
import { report } from './results.js';
import { removeHome, startService } from './service.js';

const [CLUSTERS = 10_000, MINUTES = 10] = process.argv.slice(2).filter((word) => /^[\d.]+$/.test(word)).map(Number); // prettier-ignore
const MOST_SECONDS = 60;
const MOST_CPU_PERCENT = 5;
/** Memory counts as flat when ten times the clusters need no more than this. */
const MOST_GROWTH = 1.2;
const PARTS = ['worker', 'temporal', 'simulator', 'api'] as const;

const service = await startService({ SIMULATOR_PROFILE: 'instant' });
const client = await connectTemporal({ TEMPORAL_PORT: String(service.ports['TEMPORAL_PORT']) });
const db = openDatabase(service);
const lines: string[] = [];
let isOver = false;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Seconds of the zone's scans that began after `since` and have ended. */
async function scansSince(since: Date): Promise<number[]> {
  const query = `WorkflowType = 'scanZone' AND ExecutionStatus = 'Completed' AND StartTime > '${since.toISOString()}'`;
  const seconds: number[] = [];
  for await (const { startTime, closeTime } of client.workflow.list({ query }))
    seconds.push(((closeTime?.getTime() ?? NaN) - startTime.getTime()) / 1000);
  return seconds.reverse();
}

/** Waits for two scans that see what is there now. Their seconds, and the most memory that the worker had meanwhile. */
async function watchScans(): Promise<{ seconds: number[]; memory: number }> {
  const since = new Date();
  let memory = 0;
  for (;;) {
    memory = Math.max(memory, residentMb(service.pid('worker')));
    const seconds = await scansSince(since);
    if (seconds.length >= 2) return { seconds, memory };
    await pause(1000);
  }
}

/** The same activities in this process, to count what they ask for. */
async function countReads(): Promise<string> {
  const counted = openDatabase(service);
  let queries = 0;
  let hosts = 0;
  let gateways = 0;
  counted.on('query', () => queries++);
  const sealer = new Sealer(new Secret('bench'.repeat(10)));
  const drivers = driversFor({ db: counted, sealer });
  const deps = {
    db: counted,
    sealer,
    log: pino({ level: 'silent' }),
    openHypervisor: (...args) => (hosts++, drivers.openHypervisor(...args)),
    openGateway: (...args) => (gateways++, drivers.openGateway(...args)),
  } as Deps;
  const scan = zoneScanActivities(deps);
  await scan.lookAtHosts(await scan.hostsOfZone(DEFAULT_ZONE));
  await scan.settleClusters(DEFAULT_ZONE);
  if ((await scan.probeClusters(DEFAULT_ZONE)) > 0) throw new Error('API servers were asked');
  const repaired = await scan.repairGateways(DEFAULT_ZONE);
  if (repaired > 0) throw new Error(`${repaired} gateways had to be repaired: the seed is not what rows say`);
  await drivers.close();
  await counted.destroy();
  return `${queries} database statements, ${hosts} calls of hosts, ${gateways} of the gateway`;
}

try {
  const hosts = await seedHosts(db, service);
  const few = Math.ceil(CLUSTERS / 10);
  await seedClusters(db, service, hosts, few);
  const before = await watchScans();
  await seedClusters(db, service, hosts, CLUSTERS - few);
  const after = await watchScans();
  const odd = await db('kubernetes_cluster').whereNot({ state: 'Running' }).first<{ name: string; reason: string }>();
  if (odd) throw new Error(`the scan moved ${odd.name}: ${odd.reason}`);
  const shown = (seconds: number[]) => seconds.map((one) => one.toFixed(1)).join(', ');
  const worst = Math.max(...after.seconds);
  const growth = after.memory / before.memory;
  isOver ||= worst > MOST_SECONDS || growth > MOST_GROWTH;
  lines.push(
    `${few} clusters on ${hosts.length} hosts: scans of ${shown(before.seconds)} s, worker ${before.memory.toFixed(0)} MB`,
    `${CLUSTERS} clusters on ${hosts.length} hosts: scans of ${shown(after.seconds)} s (limit ${MOST_SECONDS}), worker ${after.memory.toFixed(0)} MB (${growth.toFixed(2)} of that; limit ${MOST_GROWTH.toFixed(2)})`,
    `one scan reads: ${await countReads()}`,
  );
  if (MINUTES > 0) {
    const cpu = () => [cpuSeconds(service.root), ...PARTS.map((part) => cpuSeconds(service.pid(part)))];
    const since = new Date();
    const begin = { at: performance.now(), cpu: cpu(), memory: residentMb(service.pid('worker')) };
    await pause(MINUTES * 60_000);
    const seconds = (performance.now() - begin.at) / 1000;
    const percents = cpu().map((value, i) => (100 * (value - begin.cpu[i]!)) / seconds);
    const scans = await scansSince(since);
    isOver ||= percents[0]! > MOST_CPU_PERCENT;
    lines.push(
      `idle for ${MINUTES} minutes, ${scans.length} scans: ${percents[0]!.toFixed(1)} % of one core (limit ${MOST_CPU_PERCENT}); ${PARTS.map((part, i) => `${part} ${percents[i + 1]!.toFixed(1)}`).join(', ')}; worker ${begin.memory.toFixed(0)} MB before, ${residentMb(service.pid('worker')).toFixed(0)} MB after`,
    );
  }
} finally {
  await db.destroy();
  await service.stop();
  removeHome(service.home);
}
report('scan', `npm run bench:scan -- ${CLUSTERS} ${MINUTES}`, lines);
process.exit(isOver ? 1 : 0);
