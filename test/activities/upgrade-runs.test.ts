import { MockActivityEnvironment } from '@temporalio/testing';
import type { Guests } from '../../activities/node/guest.js';
import { upgradeActivities } from '../../activities/node/upgrade.js';

test('an upgrade whose worker was killed asks for the same run again; a further try of the step asks for one of its own', async () => {
  const keys: string[] = [];
  const guests = {
    open: () => Promise.resolve({ cluster: { cni_config_id: null } }),
    run: (_: unknown, subcommand: string, key: string) => Promise.resolve(keys.push(`${subcommand}-${key}`)),
  } as unknown as Guests;
  const steps = upgradeActivities(guests);
  const ref = { operationId: 'o-1', clusterId: 'c', line: 7, undo: false };
  const run = (activityId: string, attempt: number) =>
    new MockActivityEnvironment({ activityId, attempt }).run(() =>
      steps.upgrade(ref, { role: 'worker', index: 1 }, '1.34.4', 'worker'),
    );
  await run('21', 1);
  await run('21', 2);
  await run('25', 1);
  expect(keys).toEqual(['upgrade-o-1-7-worker-21', 'upgrade-o-1-7-worker-21', 'upgrade-o-1-7-worker-25']);
});
