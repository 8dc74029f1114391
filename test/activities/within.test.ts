import { MockActivityEnvironment } from '@temporalio/testing';
import { callSignal, within } from '../../activities/within.js';

/** A call of a driver that never answers: it ends when its signal says so. */
const hang = () =>
  new Promise<never>((_, reject) => {
    const signal = callSignal();
    signal?.addEventListener('abort', () => reject(signal.reason as Error));
  });

test('a call that hangs ends at its limit, and the rest of the activity goes on', async () => {
  const env = new MockActivityEnvironment();
  const outcome = await env.run(async () => {
    const hung = within(50, hang).then(
      () => 'answered',
      (error: Error) => error.name,
    );
    const other = within(60_000, async () => callSignal()?.aborted);
    return [await hung, await other, callSignal()?.aborted];
  });
  expect(outcome).toEqual(['TimeoutError', false, false]);
});

test('the end of the activity ends the call before its limit', async () => {
  const env = new MockActivityEnvironment();
  const running = env.run(() => within(60_000, hang));
  env.cancel('CANCELLED');
  await expect(running).rejects.toThrow('CANCELLED');
});

test('outside of an activity there is a limit, and nothing else ends a call', async () => {
  expect(callSignal()).toBeUndefined();
  await expect(within(20, hang)).rejects.toThrow('timeout');
});
