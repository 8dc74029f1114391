import type { Item } from '../../workflows/engine/step.js';
import { operate } from '../../workflows/engine/operate.js';
import type { OperationInput } from '../../workflows/model/operation.js';
import type { Act } from '../../workflows/stubs.js';

const step = (title: string, more: Partial<Exclude<Item<Act>, { lanes: unknown }>> = {}): Item<Act> => ({
  title,
  kind: 'test',
  limitSeconds: 60,
  run: ({ store }) => store.ensureKeys(),
  undo: ({ store }) => store.forgetSecrets(),
  ...more,
});

/** Two lanes, each of two nodes' worth of steps; `keep` marks the first node of lane a as finished. */
export async function keptOperation(input: OperationInput): Promise<void> {
  await operate(input, {
    limit: 'cloud.kubernetes.cluster.start.timeout',
    steps: () => [
      step('first'),
      {
        title: 'lanes',
        lanes: [
          [
            step('a1: take out'),
            step('a1: put back', { keep: true, key: 'a1' }),
            step('a2: take out'),
            step('a2: put back'),
          ],
          [step('b1: take out', { needs: ['a1'] })],
        ],
      },
      step('last'),
    ],
  });
}

/** More steps than this one's history may hold, none of which facts tell to be done; the last one waits for all others. */
export async function longOperation(input: OperationInput): Promise<void> {
  const lane = (name: string) => Array.from({ length: 10 }, (_, i) => step(`${name}${i}`));
  const steps = () => [{ title: 'lanes', lanes: ['a', 'b', 'c'].map(lane) }, step('last')];
  await operate(input, { limit: 'cloud.kubernetes.cluster.start.timeout', steps }, 40);
}
