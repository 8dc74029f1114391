import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import * as workflows from '../../workflows/index.js';

/**
 * Recorded histories are added with each release and never changed: a run that a released build began must replay on this
 * one. One that fails here means that a patch marker is missing (Temporal docs "Versioning - TypeScript SDK").
 */
const folder = path.resolve('test/replay/histories');
const files = readdirSync(folder).filter((file) => file.endsWith('.json.gz'));
interface Recorded {
  events: { workflowExecutionStartedEventAttributes?: { workflowType: { name: string } } }[];
}
const read = (file: string) => JSON.parse(gunzipSync(readFileSync(path.join(folder, file))).toString()) as Recorded;
const typeOf = (recorded: Recorded) => recorded.events[0]?.workflowExecutionStartedEventAttributes?.workflowType.name;

let workflowBundle: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  const logger = new DefaultLogger('ERROR');
  Runtime.install({ logger, telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR' } } } });
  workflowBundle = await bundleWorkflowCode({ workflowsPath: path.resolve('workflows/index.ts'), logger });
}, 120_000);

afterAll(() => Runtime.instance().shutdown());

test('every workflow has a recorded history', () => {
  const recorded = new Set(files.map((file) => typeOf(read(file))));
  expect(Object.keys(workflows).filter((type) => !recorded.has(type))).toEqual([]);
});

test.each(files)('%s replays', async (file) => {
  await Worker.runReplayHistory({ workflowBundle }, historyFromJSON(read(file)), 'recorded');
});

test('a history of another list does not replay: the check can fail', async () => {
  const recorded = read(files.find((file) => file.includes('scale-up.done'))!);
  const other = JSON.parse(JSON.stringify(recorded).replaceAll('"gateway.apply"', '"gateway.other"')) as Recorded;
  await expect(Worker.runReplayHistory({ workflowBundle }, historyFromJSON(other), 'changed')).rejects.toThrow();
});
