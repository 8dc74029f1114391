import fc from 'fast-check';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { OperationKind } from '../../../workflows/model/states.js';
import type { Fault, Stack } from '../stack.js';

type Point = readonly [Fault['on'], string];
const on = (place: Fault['on'], ...matches: string[]): Point[] => matches.map((match) => [place, match]);
const MADE = [
  ...on('hypervisor', 'volume.create', 'domain.define', 'domain.start', 'medium.detach', 'seed.delete'),
  ...on('gateway', 'gateway.apply'),
  ...on('node', 'node.install', 'node.join'),
  ...on('kubernetes', 'create.secrets'),
];
const LEFT = [
  ...on('hypervisor', 'domain.delete'),
  ...on('kubernetes', 'patch.nodes', 'delete.nodes'),
  ...on('node', 'node.etcd'),
];
/** What an operation asks of the simulated zone. */
const POINTS: Record<OperationKind, readonly Point[]> = {
  create: [
    ...MADE,
    ...on('gateway', 'gateway.address'),
    ...on('node', 'node.init'),
    ...on('kubernetes', 'patch.nodes'),
  ],
  scale: [...MADE, ...LEFT, ...on('hypervisor', 'domain.resize')],
  replaceNode: [...MADE, ...LEFT],
  scaleStopped: on('hypervisor', 'domain.resize'),
  stop: on('hypervisor', 'domain.stop'),
  start: [...on('hypervisor', 'domain.start'), ...on('gateway', 'gateway.apply'), ...on('node', 'node.renew')],
  renew: on('node', 'node.renew'),
  upgrade: [
    ...on('hypervisor', 'medium.attach', 'medium.detach'),
    ...on('node', 'node.prestage', 'node.etcd', 'node.upgrade', 'node.upgrade'),
    ...on('kubernetes', 'patch.nodes'),
    ...on('gateway', 'gateway.apply'),
  ],
  addNodes: [
    ...on('hypervisor', 'medium.attach', 'medium.detach'),
    ...on('node', 'node.install', 'node.join'),
    ...on('kubernetes', 'create.secrets'),
    ...on('gateway', 'gateway.apply'),
  ],
  removeNodes: [
    ...on('kubernetes', 'patch.nodes', 'delete.nodes'),
    ...on('node', 'node.reset'),
    ...on('gateway', 'gateway.apply'),
  ],
  delete: [...on('hypervisor', 'domain.delete'), ...on('gateway', 'gateway.delete')],
};
const KINDS = ['fail', 'loseReply', 'drop', 'failForGood'] as const;
const PARTS = ['worker', 'simulator', 'temporal', 'api'] as const;

/** What happens to an operation, and what is done if it then fails. `after`: so many of its steps are over. */
export type Trouble =
  | { what: 'nothing' }
  | { what: 'fault'; at: number; point?: Point; kind: (typeof KINDS)[number]; then: Then }
  | { what: 'killed'; part: (typeof PARTS)[number]; after: number }
  | { what: 'cancelled'; after: number }
  | { what: 'paused'; after: number }
  | { what: 'terminated'; after: number; then: Then }
  | { what: 'Temporal lost'; after: number; then: Then };
export type Then = 'resume' | 'cancel' | 'delete';

const after = fc.nat({ max: 24 });
const then = fc.constantFrom<Then>('resume', 'cancel', 'resume', 'cancel', 'delete');
export const troubles: fc.Arbitrary<Trouble> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Trouble>({ what: 'nothing' }) },
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constant('fault' as const),
      at: fc.nat({ max: 999 }),
      kind: fc.constantFrom(...KINDS),
      then,
    }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('killed' as const), part: fc.constantFrom(...PARTS), after }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('cancelled' as const), after }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('paused' as const), after }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('terminated' as const), after, then }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('Temporal lost' as const), after, then }) },
);

/** The trouble where an operation of the kind meets it. */
export function aimed(kind: OperationKind, trouble: Trouble): Trouble {
  if (trouble.what !== 'fault') return trouble;
  const points = POINTS[kind];
  return { ...trouble, point: points[trouble.at % points.length]! };
}

export const describeTrouble = (trouble: Trouble): string => {
  const rest = Object.entries(trouble).filter(([key]) => key !== 'what' && key !== 'at');
  return `${trouble.what}${rest.length > 0 ? ` (${rest.map(([key, value]) => `${key} ${value}`).join(', ')})` : ''}`;
};

/** True when the operation may end as failed by it. */
export const mayFail = (trouble: Trouble): trouble is Trouble & { then: Then } => 'then' in trouble;

/** Kills a part of the service and starts it again. */
export async function kill(stack: Stack, part: (typeof PARTS)[number]): Promise<void> {
  await stack[part].restart();
  if (part === 'temporal') await stack.temporalUp();
  if (part === 'simulator') await stack.simulatorUp();
  if (part === 'api') await stack.ready();
}

/** Takes from Temporal all that it knows. */
export async function loseTemporal(stack: Stack): Promise<void> {
  await stack.temporal.kill();
  for (const end of ['', '-wal', '-shm']) rmSync(join(stack.home, `temporal.db${end}`), { force: true });
  stack.temporal.start();
  await stack.temporalUp();
}
