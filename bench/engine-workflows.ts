import { proxyActivities } from '@temporalio/workflow';
import { operate } from '../workflows/engine/operate.js';
import type { Item } from '../workflows/engine/step.js';
import type { OperationInput } from '../workflows/model/operation.js';
import type { Act } from '../workflows/stubs.js';

type Noop = { bench: { noop(): Promise<void> } };
const { noop } = proxyActivities<{ noop(): Promise<void> }>({ startToCloseTimeout: '10s' });

/** N activities that do nothing, one after another. */
export async function bareChain(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await noop();
}

/** An operation of N steps that do nothing, in one lane, its step rows written. */
export async function noopOperation(input: OperationInput & { n: number }): Promise<void> {
  const steps = Array.from({ length: input.n }, (_, i): Item<Act> => ({
    title: `step ${i + 1}`,
    kind: 'bench.noop',
    limitSeconds: 60,
    run: (act) => (act as unknown as Noop).bench.noop(),
  }));
  await operate(input, { limit: 'cloud.kubernetes.cluster.start.timeout', steps: () => steps });
}
