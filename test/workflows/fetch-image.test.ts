import { startImageRun } from '../../workflows/client.js';
import { fault } from '../../workflows/model/fault.js';
import type { ImageCopy, ImageWork } from '../../workflows/model/image.js';
import { imageRunId } from '../../workflows/model/image.js';
import { TemporalFixture } from '../fakes/temporal.js';

let temporal: TemporalFixture;
beforeAll(async () => {
  temporal = await TemporalFixture.start();
}, 120_000);
afterAll(() => temporal.stop());

const copies = (...names: string[]): ImageCopy[] =>
  names.map((hostName) => ({ poolId: `pool-${hostName}`, hostId: `id-${hostName}`, hostName }));

/** Activities that write down how they were called. */
function fake(work: Pick<ImageWork, 'kind' | 'copies'>, problems: Record<string, Error[]> = {}) {
  const calls: string[] = [];
  let now = 0;
  let most = 0;
  const work1 = async (name: string, { hostName }: ImageCopy) => {
    calls.push(`${name} ${hostName}`);
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 20));
    now -= 1;
    const problem = problems[hostName]?.shift();
    if (problem) throw problem;
  };
  const activities = {
    beginImageRun: async (): Promise<ImageWork> => ({ ...work, limitSeconds: 60 }),
    ensureImageInPool: (_id: string, copy: ImageCopy) => work1('put', copy),
    ensureImageGone: (_id: string, copy: ImageCopy) => work1('remove', copy),
    noteImageFailure: async (_id: string, { hostName }: ImageCopy, text: string, forGood: boolean) =>
      void calls.push(`failed ${hostName}: ${text} ${forGood}`),
    settleImageRun: async (id: string, kind: string) => void calls.push(`settle ${kind} ${id}`),
  };
  return { calls, activities, most: () => most };
}
const run = async (id: string, activities: ReturnType<typeof fake>['activities']) =>
  temporal.withWorker(activities, async () => {
    expect(await startImageRun(temporal.env.client, id)).toBe(true);
    await temporal.env.client.workflow.getHandle(imageRunId(id)).result();
  });

test('an image goes to four pools at a time, and its rows are settled last', async () => {
  const { calls, activities, most } = fake({ kind: 'fetch', copies: copies('a', 'b', 'c', 'd', 'e', 'f') });
  await run('one', activities);
  expect(calls.slice(0, 6).sort()).toEqual(['put a', 'put b', 'put c', 'put d', 'put e', 'put f']);
  expect(calls.at(-1)).toBe('settle fetch one');
  expect(most()).toBeLessThanOrEqual(4);
});

test('what is wrong for good is noted with its host, and the other pools get it', async () => {
  const { calls, activities } = fake(
    { kind: 'fetch', copies: copies('a', 'b') },
    { a: [fault('DownloadRefused', 'wrong checksum')] },
  );
  await run('two', activities);
  expect(calls).toEqual(['put a', 'put b', 'failed a: a: wrong checksum true', 'settle fetch two']);
});

test('what may pass is tried again', async () => {
  const { calls, activities } = fake(
    { kind: 'fetch', copies: copies('a') },
    { a: [fault('HostUnreachable', 'no answer')] },
  );
  await run('three', activities);
  expect(calls).toEqual(['put a', 'put a', 'settle fetch three']);
});

test('a deleted image leaves every pool', async () => {
  const { calls, activities } = fake({ kind: 'remove', copies: copies('a', 'b') });
  await run('four', activities);
  expect(calls).toEqual(['remove a', 'remove b', 'settle remove four']);
});

test('a second run of an image is not started beside the first, and may be after it', async () => {
  const { client } = temporal.env;
  expect(await startImageRun(client, 'five')).toBe(true);
  expect(await startImageRun(client, 'five')).toBe(false);
  const { activities } = fake({ kind: 'fetch', copies: [] });
  await temporal.withWorker(activities, () => client.workflow.getHandle(imageRunId('five')).result());
  await run('five', activities);
});
