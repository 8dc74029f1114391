import type { VmRow } from '../../../db/rows.js';
import type { OperationKind } from '../../../workflows/model/states.js';
import { versions } from '../facts.js';
import type { Stack } from '../stack.js';

/** What a cluster must be like, as far as it can be foreseen. */
export interface Model {
  state: 'none' | 'Running' | 'Stopped';
  controls: number;
  workers: number;
  /** A machine of the user in the cluster's network. */
  guest: 'none' | 'beside' | 'inside';
  large: boolean;
  /** Upgrades that are still possible. */
  upgrades: number;
}
export const NONE: Model = { state: 'none', controls: 0, workers: 0, guest: 'none', large: false, upgrades: 0 };

/** The one cluster of a sequence. */
export interface Subject {
  stack: Stack;
  id: string;
  say: (line: string) => void;
}
export type Call = [command: string, parameters: Record<string, string>];

export interface Operation {
  name: string;
  kind: OperationKind;
  fits(model: Model): boolean;
  after(model: Model): Partial<Model>;
  call(subject: Subject): Promise<Call>;
}

const isRunning = ({ state }: Model) => state === 'Running';
/** Workers that are the service's own. */
const owned = ({ workers, guest }: Model) => workers - (guest === 'inside' ? 1 : 0);

const nodes = ({ stack, id }: Subject, role: string) =>
  stack
    .rows<{ vm_id: string }>(
      'SELECT vm_id FROM kubernetes_cluster_vm_map WHERE cluster_id = ? AND role = ? AND external_node = 0 ORDER BY id',
      id,
      role,
    )
    .map(({ vm_id }) => vm_id);
const offering = ({ stack }: Subject, name: string) =>
  stack.row<{ uuid: string }>('SELECT uuid FROM service_offering WHERE name = ?', name).uuid;

/** Machines that a user made in the cluster's network. */
export const guestsOf = ({ stack, id }: Subject) =>
  stack
    .rows<VmRow>(
      `SELECT * FROM vm_instance WHERE network_id = ? AND vm_type <> 'cksnode' AND removed IS NULL`,
      stack.cluster(id).network_id,
    )
    .map(({ uuid }) => uuid);

/** The versions after a cluster's; one that an upgrade already gave to a part of it is the only one. */
export function versionsAfter({ stack, id }: Subject): string[] {
  const { kubernetes_version_id: now, target_version_id: target } = stack.cluster(id);
  const all = versions(stack).map(({ uuid }) => uuid);
  return target === null ? all.slice(all.indexOf(now ?? '') + 1) : [target];
}

const create = (controls: number, workers: number): Operation => ({
  name: `create ${controls}+${workers}`,
  kind: 'create',
  fits: ({ state }) => state === 'none',
  after: () => ({ ...NONE, state: 'Running', controls, workers }),
  call: async ({ stack }) => ['createKubernetesCluster', await stack.createParameters(controls, workers)],
});
const ofCluster = (
  name: string,
  kind: OperationKind,
  command: string,
  fits: Operation['fits'],
  after: Operation['after'],
  parameters: (subject: Subject) => Record<string, string> = () => ({}),
): Operation => ({
  name,
  kind,
  fits,
  after,
  call: (subject) => Promise.resolve([command, { id: subject.id, ...parameters(subject) }]),
});
const scale = (name: string, fits: Operation['fits'], after: Operation['after'], parameters: (subject: Subject) => Record<string, string>) =>
  ofCluster(name, 'scale', 'scaleKubernetesCluster', fits, after, parameters); // prettier-ignore
const sized = (size: number) =>
  scale(
    `scale to ${size} workers`,
    (model) => isRunning(model) && model.workers !== size && size >= (model.guest === 'inside' ? 2 : 1),
    () => ({ workers: size }),
    () => ({ size: String(size) }),
  );

/** Every kind of operation. */
export const OPERATIONS: readonly Operation[] = [
  create(1, 1),
  create(1, 2),
  create(2, 1),
  create(3, 1),
  sized(1),
  sized(2),
  sized(3),
  scale(
    'scale away the first worker',
    (model) => isRunning(model) && owned(model) > 1,
    ({ workers }) => ({ workers: workers - 1 }),
    (subject) => ({ nodeids: nodes(subject, 'worker')[0] ?? '' }),
  ),
  scale(
    'scale away the last control node',
    (model) => isRunning(model) && model.controls > 2,
    ({ controls }) => ({ controls: controls - 1 }),
    (subject) => ({ nodeids: nodes(subject, 'control').at(-1) ?? '' }),
  ),
  scale(
    'scale to larger machines',
    (model) => isRunning(model) && !model.large,
    () => ({ large: true }),
    (subject) => ({ serviceofferingid: offering(subject, 'large') }),
  ),
  {
    ...scale(
      'scale to larger machines while stopped',
      ({ state, large }) => state === 'Stopped' && !large,
      () => ({ large: true }),
      (subject) => ({ serviceofferingid: offering(subject, 'large') }),
    ),
    kind: 'scaleStopped',
  },
  ofCluster('stop', 'stop', 'stopKubernetesCluster', isRunning, () => ({ state: 'Stopped' })),
  ofCluster(
    'start',
    'start',
    'startKubernetesCluster',
    ({ state }) => state === 'Stopped',
    () => ({ state: 'Running' }),
  ),
  ofCluster(
    'upgrade',
    'upgrade',
    'upgradeKubernetesCluster',
    (model) => isRunning(model) && model.upgrades > 0,
    ({ upgrades }) => ({ upgrades: upgrades - 1 }),
    (subject) => ({ kubernetesversionid: versionsAfter(subject)[0] ?? '' }),
  ),
  ofCluster(
    'replace the first worker',
    'replaceNode',
    'replaceKubernetesNode',
    (model) => isRunning(model) && owned(model) > 0,
    () => ({}),
    (subject) => ({ nodeid: nodes(subject, 'worker')[0] ?? '' }),
  ),
  ofCluster(
    'replace the last control node',
    'replaceNode',
    'replaceKubernetesNode',
    (model) => isRunning(model) && model.controls > 1,
    () => ({}),
    (subject) => ({ nodeid: nodes(subject, 'control').at(-1) ?? '' }),
  ),
  ofCluster(
    'add the user’s machine',
    'addNodes',
    'addNodesToKubernetesCluster',
    (model) => isRunning(model) && model.guest === 'beside',
    ({ workers }) => ({ guest: 'inside', workers: workers + 1 }),
    (subject) => ({ nodeids: guestsOf(subject).join() }),
  ),
  ofCluster(
    'remove the user’s machine',
    'removeNodes',
    'removeNodesFromKubernetesCluster',
    (model) => isRunning(model) && model.guest === 'inside',
    ({ workers }) => ({ guest: 'beside', workers: workers - 1 }),
    (subject) => ({ nodeids: guestsOf(subject).join() }),
  ),
  ofCluster(
    'delete',
    'delete',
    'deleteKubernetesCluster',
    ({ state, guest }) => state !== 'none' && guest === 'none',
    () => NONE,
  ),
];

/** A machine that a user makes in the network of the cluster. */
export function deploy(subject: Subject): Call {
  const { zone_id, network_id, name } = subject.stack.cluster(subject.id);
  return [
    'deployVirtualMachine',
    {
      name: `${name}-guest`,
      zoneid: zone_id,
      networkids: String(network_id),
      serviceofferingid: offering(subject, 'medium'),
      rootdisksize: '10',
    },
  ];
}
