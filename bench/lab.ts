/**
 * A cluster of 1+1 on real nodes until both are Ready ÷ a plain script that does the same by hand (`lab-by-hand.sh`), in turn in the same
 * data centre of the lab, from the same copies of template and medium. Needs what `npm run lab` needs.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { millis } from '../db/knex.js';
import { projectRoot } from '../db/project-root.js';
import { build } from '../lab/build.js';
import { LabCluster } from '../lab/cluster.js';
import { whyNoLab } from '../lab/machine.js';
import { FIRST, labCache, mediumOf, nodeRoot } from '../lab/versions.js';
import { LabWorld } from '../lab/world.js';
import { report } from './results.js';

const ROUNDS = 2;
const LIMIT = 1.15;
const BY_HAND = join(projectRoot(), 'bench/lab-by-hand.sh');
const version = FIRST.kubernetes;

interface Round {
  seconds: number;
  /** When the worker had joined. What follows is the network's: a flannel that is up before kube-proxy waits half a minute for its first answer. */
  joined: number;
  /** What was there after how many seconds. */
  marks: string[];
}

const say = (line: string) => void process.stderr.write(`bench:lab: ${line}\n`);
const why = whyNoLab([]);
if (why !== undefined) {
  say(why);
  process.exit(1);
}

/** From the call of the API to the moment at which the service has seen the last node Ready. */
async function byService(world: LabWorld, round: number): Promise<Round> {
  const began = Date.now();
  const { cluster, job } = await LabCluster.begin(world, { name: `service-${round}`, version });
  await cluster.succeeds(job, 1200);
  await cluster.storeKubeconfig();
  await cluster.expectHealthy({ version });
  const rows = world.rows<{ title: string; kind: string; ended: string }>(
    "SELECT s.title, s.kind, s.ended FROM operation_step s JOIN operation o ON o.uuid = s.operation_id WHERE o.job_id = ? AND s.state = 'done' ORDER BY s.ended",
    job,
  );
  const ended = rows.map(({ title, kind, ended }) => ({ title, kind, seconds: (millis(ended) - began) / 1000 }));
  const ready = ended.filter(({ kind }) => kind === 'node.ready');
  if (ready.length !== 2) throw new Error(`${ready.length} nodes were waited for`);
  await cluster.delete();
  cluster.expectNothingLeft();
  const shown = ended.filter(({ kind }) => MARKS.test(kind));
  return {
    seconds: Math.max(...ready.map(({ seconds }) => seconds)),
    joined: ended.find(({ kind }) => kind === 'node.join.worker')!.seconds,
    marks: shown.map(({ title, seconds }) => `${seconds.toFixed(2)} ${title}`),
  };
}
const MARKS = /^(machine\.(volume|ssh)|network\.gateway|node\.(install|init|join\.worker|ready)|kubernetes\.api)$/;

async function byHand(world: LabWorld, round: number): Promise<Round> {
  const pool = world.libvirt.pool;
  const copyOf = (kind: string) => join(pool, readdirSync(pool).find((name) => name.startsWith(`${kind}-`)) ?? '');
  const folder = join(world.folder, `by-hand-${round}`);
  const said = await world.run(BY_HAND, 'up', folder, copyOf('template'), copyOf('iso'), version);
  await world.run(BY_HAND, 'down', folder);
  const marks = said.trim().split('\n');
  const [joined, seconds] = marks.slice(-2).map((mark) => Number(mark.split(' ')[0]));
  return { seconds: seconds!, joined: joined!, marks };
}

const cache = labCache();
await build(cache, FIRST, say);
const medium = mediumOf(cache, FIRST);
const world = await LabWorld.start(say, [nodeRoot(cache), medium]);
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void world.stop().finally(() => process.exit(130)));
const service: Round[] = [];
const hand: Round[] = [];
try {
  await world.register(nodeRoot(cache), [{ version, file: medium }]);
  // Neither is to be the one that reads the copies from the disk.
  execFileSync('sh', ['-c', 'find "$0" -type f -exec cat {} + >/dev/null', world.libvirt.pool]);
  for (let round = 1; round <= ROUNDS; round++) {
    service.push(await byService(world, round));
    say(`service: ${service.at(-1)!.seconds.toFixed(1)} s\n  ${service.at(-1)!.marks.join('\n  ')}`);
    hand.push(await byHand(world, round));
    say(`by hand: ${hand.at(-1)!.seconds.toFixed(1)} s\n  ${hand.at(-1)!.marks.join('\n  ')}`);
  }
} finally {
  await world.stop();
}
const mean = (rounds: readonly Round[], of: 'seconds' | 'joined') =>
  rounds.reduce((sum, round) => sum + round[of], 0) / rounds.length;
const shown = (rounds: readonly Round[]) =>
  `mean ${mean(rounds, 'seconds').toFixed(1)} s, ${rounds.map(({ seconds }) => seconds.toFixed(1)).join(' ')}; joined after ${mean(rounds, 'joined').toFixed(1)} s`;
const ratioOf = (of: 'seconds' | 'joined') => mean(service, of) / mean(hand, of);
const ratio = ratioOf('seconds');
report('lab', 'npm run bench:lab', [
  `1+1 of Kubernetes ${version} in containers of libvirt until both nodes are Ready; ${ROUNDS} rounds, in turn`,
  `service:  ${shown(service)}`,
  `by hand:  ${shown(hand)}`,
  `ratio:    ${ratio.toFixed(2)} (limit ${LIMIT}); until the worker has joined ${ratioOf('joined').toFixed(2)}`,
]);
process.exit(ratio > LIMIT ? 1 : 0);
