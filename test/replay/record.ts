import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { CASES } from '../fakes/cluster-facts.js';
import { OperationWorld, playedBy } from '../fakes/operation-world.js';
import { TemporalFixture } from '../fakes/temporal.js';
import { WORKFLOW_OF } from '../../workflows/client.js';

/**
 * Records the history of every operation, run once, cancelled halfway and failed, with played activities, into `test/replay/histories`.
 * usage: npm run record-histories -- NAME   (NAME tells the release: files of another name stay as they are)
 */
const name = process.argv[2];
if (!name || !/^[a-z0-9.-]+$/.test(name)) {
  process.stderr.write('usage: npm run record-histories -- NAME   (for instance the version of the release)\n');
  process.exit(2);
}
const folder = path.resolve('test/replay/histories');
mkdirSync(folder, { recursive: true });
const temporal = await TemporalFixture.start(path.resolve('workflows/index.ts'));
const worlds = new Map<string, OperationWorld>();
await temporal.withWorker(
  playedBy((id) => worlds.get(id)!),
  async () => {
    for (const [title, { kind, facts }] of Object.entries(CASES)) {
      for (const how of ['done', 'cancelled', 'failed'] as const) {
        if (how === 'cancelled' && kind === 'delete') continue;
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
        const file = `${name}.${title.replaceAll(/[^a-z]+/g, '-')}.${how}.json.gz`;
        writeFileSync(path.join(folder, file), gzipSync(historyToJSON(await handle.fetchHistory()), { level: 9 }));
        process.stdout.write(`${file}\n`);
      }
    }
  },
);
await temporal.stop();
process.exit(0);
