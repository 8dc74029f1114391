import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { CASES, runningCluster } from '../fakes/cluster-facts.js';
import { OperationWorld, playedBy } from '../fakes/operation-world.js';
import { TemporalFixture } from '../fakes/temporal.js';
import { WORKFLOW_OF } from '../../workflows/client.js';
import { TASK_QUEUE } from '../../workflows/model/operation.js';
import { OTHER_RUNS } from './other-runs.js';

/**
 * Records histories, with played activities, into `test/replay/histories`: of every operation, run once, cancelled halfway and
 * failed, and of every other workflow. A history that is there stays as it is.
 * usage: npm run record-histories -- NAME   (NAME tells the release: under a new one all are recorded, under an old one those that it lacks)
 */
const name = process.argv[2];
if (!name || !/^[a-z0-9.-]+$/.test(name)) {
  process.stderr.write('usage: npm run record-histories -- NAME   (for instance the version of the release)\n');
  process.exit(2);
}
const folder = path.resolve('test/replay/histories');
mkdirSync(folder, { recursive: true });
const fileOf = (title: string) => path.join(folder, `${name}.${title}.json.gz`);
/** Without what tells of the machine that recorded it: no replay asks for that. Returns what was kept. */
async function keep(file: string, handle: WorkflowHandle): Promise<string> {
  const text = historyToJSON(await handle.fetchHistory())
    .replaceAll(`${process.pid}@${hostname()}`, 'recorder')
    .replaceAll(`${path.resolve()}/`, '');
  writeFileSync(file, gzipSync(text, { level: 9 }));
  process.stdout.write(`${path.basename(file)}\n`);
  return text;
}

/** A cancel of so much that the undo goes on in a second run: both of them. */
async function keepLongUndo(): Promise<void> {
  const [first, second] = [
    fileOf('scale-up-by-200.cancelled-first-run'),
    fileOf('scale-up-by-200.cancelled-second-run'),
  ];
  if (existsSync(second)) return;
  const world = new OperationWorld(runningCluster(1, 1, { request: { size: 201 } }), {}, 'scale');
  // A little before the history is so long that the operation itself goes on.
  let longEnough!: () => void;
  const isLong = new Promise<void>((resolve) => (longEnough = resolve));
  world.onBegin = ({ title, undo }) => {
    if (undo || world.calls.length < 1400) return;
    world.troubles.set(title, 'hang');
    longEnough();
  };
  const handle = await temporal.start(WORKFLOW_OF.scale, (id) => worlds.set(id, world));
  await isLong;
  await handle.signal('stop', 'cancel');
  await handle.result();
  const { workflow } = temporal.env.client;
  const text = await keep(first, workflow.getHandle(handle.workflowId, handle.firstExecutionRunId));
  if (!text.includes('CONTINUED_AS_NEW')) throw new Error('the undo did not go on: try other numbers');
  await keep(second, workflow.getHandle(handle.workflowId));
}

const temporal = await TemporalFixture.start(path.resolve('workflows/index.ts'));
const worlds = new Map<string, OperationWorld>();
await temporal.withWorker(
  playedBy((id) => worlds.get(id)!),
  async () => {
    for (const [title, { kind, facts }] of Object.entries(CASES)) {
      for (const how of ['done', 'cancelled', 'failed'] as const) {
        const file = fileOf(`${title.replaceAll(/[^a-z]+/g, '-')}.${how}`);
        if ((how === 'cancelled' && kind === 'delete') || existsSync(file)) continue;
        const world = new OperationWorld(facts, { 'cloud.kubernetes.cluster.upgrade.retries': 0 }, kind);
        let halfway!: (title: string) => void;
        const begun = new Promise<string>((resolve) => (halfway = resolve));
        world.onBegin = (call) => {
          const middle = world.lines.filter((line) => line.kind !== 'group' && line.skip === null);
          const at = middle[Math.floor(middle.length / 2)]?.title;
          if (how !== 'done' && call.title === at && !call.undo) {
            world.troubles.set(at, how === 'cancelled' ? 'hang' : 'failForGood');
            halfway(at);
          }
        };
        const handle = await temporal.start(WORKFLOW_OF[kind], (id) => worlds.set(id, world));
        if (how === 'cancelled') {
          await begun;
          await handle.signal('stop', 'cancel');
        }
        await handle.result();
        await keep(file, handle);
      }
    }
    await keepLongUndo();
  },
);
for (const [title, { type, args, activities }] of Object.entries(OTHER_RUNS)) {
  const file = fileOf(title);
  if (existsSync(file)) continue;
  await temporal.withWorker(activities, async () => {
    const options = { taskQueue: TASK_QUEUE, workflowId: randomUUID(), workflowTaskTimeout: '5s' as const };
    const handle = await temporal.env.client.workflow.start(type, { ...options, args });
    // A probe that fails ends its run so; the others settle what they do and complete.
    await handle.result().catch(() => undefined);
    await keep(file, handle);
  });
}
await temporal.stop();
process.exit(0);
