/**
 * Many clusters (1+1, instant profile) created in one go: wall time, and CPU seconds of all processes per cluster, which may not grow with
 * their number. Sizes are arguments: `npm run bench:fleet -- 10 100`.
 */
import { cpuSeconds } from './processes.js';
import { report } from './results.js';
import { createParameters, removeHome, startService, type Service } from './service.js';
import { openDatabase } from './database.js';

const SIZES = process.argv.slice(2).map(Number).filter(Boolean);
if (SIZES.length === 0) SIZES.push(10, 100, 1000);
/** So many are made before anything is measured, for compiled code and warm caches. */
const WARM = Number(process.env['WARM'] ?? 30);
/** A number this small is measured again and again: its median counts. */
const SMALL = 50;
const ROUNDS = 5;
const CALLERS = 20;
const MOST_SECONDS_OF_1000 = 300;
const MOST_SPREAD = 1.2;
const PARTS = ['worker', 'temporal', 'simulator', 'api'] as const;

interface Measured {
  seconds: number;
  perCluster: number;
  parts: string;
}

let named = 0;
/** Creates `count` clusters from the first call until none is being made, failed ones not allowed. */
async function createFleet(service: Service, common: Record<string, string>, count: number): Promise<Measured> {
  const { api } = service;
  const cpu = () => [cpuSeconds(service.root), ...PARTS.map((part) => cpuSeconds(service.pid(part)))];
  const db = openDatabase(service);
  const before = cpu();
  const began = performance.now();
  let left = count;
  const caller = async () => {
    while (left-- > 0) await api.call('createKubernetesCluster', { ...common, name: `fleet-${++named}`, size: '1' });
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  const open = async () => (await db('operation').whereNull('ended').count<{ n: number }[]>({ n: '*' }))[0]?.n;
  while ((await open()) !== 0) await new Promise((resolve) => setTimeout(resolve, 250));
  const seconds = (performance.now() - began) / 1000;
  const after = cpu();
  const failed = await db('operation').whereNot({ state: 'succeeded' }).first<{ reason: string } | undefined>('reason');
  await db.destroy();
  if (failed) throw new Error(`a create failed: ${failed.reason}`);
  const [all = 0, ...parts] = after.map((value, i) => (value - before[i]!) / count);
  return {
    seconds,
    perCluster: all,
    parts: PARTS.map((part, i) => `${part} ${parts[i]!.toFixed(3)}`).join(', '),
  };
}

const service = await startService({ SIMULATOR_PROFILE: 'instant' });
const lines = [
  '1+1, instant profile; CPU seconds of all processes per cluster',
  'clusters    wall s   CPU s   of which',
];
const costs: number[] = [];
let isOver = false;
try {
  const common = await createParameters(service.api);
  await createFleet(service, common, WARM);
  for (const size of SIZES) {
    const rounds: Measured[] = [];
    for (let i = 0; i < (size <= SMALL ? ROUNDS : 1); i++) rounds.push(await createFleet(service, common, size));
    rounds.sort((a, b) => a.perCluster - b.perCluster);
    const { seconds, perCluster, parts } = rounds[Math.floor(rounds.length / 2)]!;
    costs.push(perCluster);
    const isLate = size === 1000 && seconds > MOST_SECONDS_OF_1000;
    isOver ||= isLate;
    lines.push(`${`${size}`.padEnd(8)} ${seconds.toFixed(1).padStart(8)}  ${perCluster.toFixed(3)}   ${parts}`);
    if (size === 1000) lines.push(`1,000 in ${seconds.toFixed(0)} s (limit ${MOST_SECONDS_OF_1000} s)`);
  }
} finally {
  await service.stop();
  removeHome(service.home);
}
const spread = Math.max(...costs) / Math.min(...costs);
lines.push(`most ÷ least CPU per cluster: ${spread.toFixed(3)} (limit ${MOST_SPREAD.toFixed(2)})`);
report('fleet', `npm run bench:fleet -- ${SIZES.join(' ')}`, lines);
process.exit(isOver || spread > MOST_SPREAD ? 1 : 0);
