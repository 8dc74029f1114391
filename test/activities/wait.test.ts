import { MockActivityEnvironment } from '@temporalio/testing';
import { isFault } from '../../activities/is-fault.js';
import { waitFor } from '../../activities/wait.js';
import { fault } from '../../workflows/model/fault.js';

/** Looks each 20 ms in an activity of which a first attempt was scheduled `earlierMs` before this one. */
function wait(look: () => Promise<true | undefined>, limitMs: number, earlierMs = 0) {
  const seen: string[] = [];
  const now = Date.now() + 3_600_000; // the server's clock is not this machine's
  const env = new MockActivityEnvironment({
    scheduleToCloseTimeoutMs: limitMs,
    scheduledTimestampMs: now - earlierMs,
    currentAttemptScheduledTimestampMs: now,
  });
  const note = (text: string) => Promise.resolve(void seen.push(text));
  return { seen, ends: env.run(() => waitFor(20, look, (error) => isFault(error, 'EvictionRefused'), note)) };
}
const blocked = () => Promise.reject(fault('EvictionRefused', 'a budget keeps shop/web-1'));

test.each([
  ['whole', 1200, 0],
  ['what an earlier attempt left of it', 61_200, 60_000],
])('what was seen last is why a wait fails before the limit is over: %s', async (_, limitMs, earlierMs) => {
  const { seen, ends } = wait(blocked, limitMs, earlierMs);
  await expect(ends).rejects.toMatchObject({
    type: 'EvictionRefused',
    nonRetryable: true,
    message: `a budget keeps shop/web-1 (after ${limitMs / 1000} s, the limit of the step)`,
  });
  expect(seen).toEqual(['a budget keeps shop/web-1']);
});

test('a wait ends with what it found, and at once with a fault that does not pass', async () => {
  let looks = 0;
  const found = wait(() => (++looks < 3 ? blocked() : Promise.resolve(true)), 60_000);
  expect(await found.ends).toBe(true);
  expect(looks).toBe(3);
  const refused = wait(() => Promise.reject(fault('NodeRefused', 'no')), 60_000);
  await expect(refused.ends).rejects.toMatchObject({ type: 'NodeRefused', message: 'no' });
});
