import type { Guests, Values } from '../../activities/node/guest.js';
import { upgradeActivities } from '../../activities/node/upgrade.js';

const NODE = { role: 'worker', index: 1 } as const;
const DAY_MS = 86_400_000;

/** A worker whose kubelet's certificate ends so many days from now, and the runs of `cks-node` that it is asked for. */
function worker(days: number | undefined) {
  const runs: { subcommand: string; key: string; values: Values }[] = [];
  let tokens = 0;
  const guests = {
    open: () => Promise.resolve({}),
    runStep: () =>
      Promise.resolve({ expires: days === undefined ? '' : new Date(Date.now() + days * DAY_MS).toISOString() }),
    run: async (_: unknown, subcommand: string, key: string, values: () => Promise<Values>) =>
      void runs.push({ subcommand, key, values: await values() }),
    joinValues: () => Promise.resolve({ token: `token-${++tokens}` }),
  } as unknown as Guests;
  const steps = upgradeActivities(guests);
  return { runs, rejoin: (operationId: string) => steps.rejoinIfExpired({ operationId, clusterId: 'c', line: 7, undo: false }, NODE) }; // prettier-ignore
}

test.each([
  ['ends later', 1],
  ['is not known', undefined],
])('a worker whose certificate %s stays as it is', async (_, days) => {
  const { runs, rejoin } = worker(days);
  await rejoin('o-1');
  expect(runs).toEqual([]);
});

test('a worker whose certificate ended while it was off joins again: one run in an attempt, a new one in the next, each with a token of its own', async () => {
  const { runs, rejoin } = worker(-1);
  await rejoin('o-1');
  await rejoin('o-1');
  await rejoin('o-2');
  const join = (key: string, token: string) => ({ subcommand: 'join', key, values: { role: 'worker', token } });
  expect(runs).toEqual([join('o-1-again', 'token-1'), join('o-1-again', 'token-2'), join('o-2-again', 'token-3')]);
});
