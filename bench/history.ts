/**
 * Events of histories: how many more an operation has per further worker, and its longest single history in an upgrade of many
 * workers, which has to complete. The number of many is an argument: `npm run bench:history -- 1000`; 0 leaves it out.
 */
import { connectTemporal } from '../workflows/client.js';
import { openDatabase } from './database.js';
import { measureHistory, type Length } from './histories.js';
import { configure } from './realistic.js';
import { report } from './results.js';
import { createParameters, removeHome, startService, waitJob } from './service.js';

const [FEW, MORE] = [10, 50];
const asked = process.argv.slice(2).find((word) => /^\d+$/.test(word));
const MANY = asked === undefined ? 1000 : Number(asked);
const MOST_PER_NODE = 40;
const LONGEST = 10_000;
const FROM = '1.33.4';
const TO = '1.34.2';

const service = await startService({ SIMULATOR_PROFILE: 'instant' });
const { api } = service;
const db = openDatabase(service);
const client = await connectTemporal({ TEMPORAL_PORT: String(service.ports['TEMPORAL_PORT']) });
const lines = [
  '1 control node, instant profile; events of all runs and children of an operation',
  `operation      ${FEW} workers  ${MORE} workers  per node  longest single history`,
];
let isOver = false;
try {
  await configure(api, 'cloud.kubernetes.cluster.max.size', 2 * Math.max(MORE, MANY) + 1);
  const common = await createParameters(api, FROM);
  const { kubernetesversionid } = await createParameters(api, TO);
  const run = async (command: string, parameters: Record<string, string>): Promise<Length & { id: string }> => {
    const answer = await api.call(command, parameters);
    await waitJob(api, answer.jobid as string);
    const id = parameters['id'] ?? (answer.id as string);
    return { id, ...(await measureHistory(db, client, id)) };
  };
  const life = async (workers: number): Promise<Map<string, Length>> => {
    const lengths = new Map<string, Length>();
    const wish = { ...common, name: `bench-${workers}`, size: String(workers), controlnodes: '1' };
    const created = await run('createKubernetesCluster', wish);
    const { id } = created;
    lengths.set('create', created);
    lengths.set('upgrade', await run('upgradeKubernetesCluster', { id, kubernetesversionid: kubernetesversionid! }));
    lengths.set('stop', await run('stopKubernetesCluster', { id }));
    lengths.set('start', await run('startKubernetesCluster', { id }));
    lengths.set('scale up', await run('scaleKubernetesCluster', { id, size: String(2 * workers) }));
    lengths.set('scale down', await run('scaleKubernetesCluster', { id, size: String(workers) }));
    lengths.set('delete', await run('deleteKubernetesCluster', { id }));
    return lengths;
  };
  const few = await life(FEW);
  const more = await life(MORE);
  for (const [name, { events, longest }] of more) {
    const before = few.get(name)!.events;
    const slope = (events - before) / (MORE - FEW);
    isOver ||= slope > MOST_PER_NODE || longest > LONGEST;
    lines.push(
      `${name.padEnd(12)} ${`${before}`.padStart(11)} ${`${events}`.padStart(11)} ${slope.toFixed(1).padStart(9)} ${`${longest}`.padStart(11)}`,
    );
  }
  lines.push(`limits: ${MOST_PER_NODE} per node, ${LONGEST} in one history`);
  if (MANY > 0) {
    for (const name of ['cks.operation.width', 'cks.upgrade.width']) await configure(api, name, 50);
    const wish = { ...common, name: 'bench-many', size: String(MANY), controlnodes: '1' };
    const step = async (title: string, command: string, parameters: Record<string, string>) => {
      const began = performance.now();
      const { id, events, longest, runs } = await run(command, parameters);
      isOver ||= longest > LONGEST;
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      lines.push(
        `${title} of ${MANY} workers: ${events} events in ${runs} runs, longest ${longest}; completed in ${seconds} s`,
      );
      return id;
    };
    const id = await step('create', 'createKubernetesCluster', wish);
    await step('upgrade', 'upgradeKubernetesCluster', { id, kubernetesversionid: kubernetesversionid! });
    const { node_count: upgraded } = await db('kubernetes_cluster_vm_map')
      .where({ cluster_id: id, kubernetes_node_version: TO })
      .first<{ node_count: number }>(db.raw('COUNT(*) AS node_count'));
    if (upgraded !== MANY + 1) throw new Error(`${upgraded} of ${MANY + 1} nodes run ${TO}`);
  }
} finally {
  await db.destroy();
  await service.stop();
  removeHome(service.home);
}
report('history', `npm run bench:history -- ${MANY}`, lines);
process.exit(isOver ? 1 : 0);
