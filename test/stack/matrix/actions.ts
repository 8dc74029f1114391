import type { SettingName } from '../../../workflows/model/settings.js';
import type { Fault } from '../stack.js';

/** Where a step works, as the rows tell once it is reached. */
export interface Spot {
  clusterId: string;
  clusterName: string;
  networkId: string;
  operationId: string;
  line: number;
  /** The machine that the title names. */
  node: { name: string; instance: string } | undefined;
}
type Place = Pick<Fault, 'on' | 'match' | 'of'>;
/** What the work of a kind of step is in the simulated zone, and the settings that bound the step together. */
interface Action {
  limits: readonly SettingName[];
  place(spot: Spot, title: string): Place;
  /** The fault may meet another step of the kind: they make the same call, or share it. */
  isShared?: boolean;
}

/** The machine that the step works on. A fault that is for none would strike nothing, or another step's work. */
function instanceOf({ node }: Spot, title: string): string {
  if (!node) throw new Error(`step "${title}" works on a machine, and its title names no node of the cluster`);
  return node.instance;
}
const machine = (kind: string, limit: SettingName = 'cks.machine.timeout'): Action => ({
  limits: [limit],
  place: (spot, title) => ({ on: 'hypervisor', match: kind, of: instanceOf(spot, title) }),
});
const gateway = (kind: string): Action => ({
  limits: ['cks.network.timeout'],
  place: ({ networkId }) => ({ on: 'gateway', match: kind, of: networkId }),
});
/** One subcommand of `cks-node` on the node that the title names, or on any of the cluster. */
const node = (subcommand: string, limit: SettingName): Action => ({
  limits: [limit],
  place: ({ node: found, clusterName }) => ({
    on: 'node',
    match: `node.${subcommand}`,
    of: found?.name ?? `${clusterName}-`,
  }),
});
/** A run that is keyed by the step: others of its kind may run on the node meanwhile. */
const run = (subcommand: string, limit: SettingName): Action => ({
  limits: [limit],
  place: ({ operationId, line }) => ({ on: 'node', match: `${subcommand}-${operationId}-${line}` }),
});
/** A request that only looks, of whatever step of the cluster makes the next. */
const look = (request: string, limit: SettingName): Action => ({
  limits: [limit],
  place: ({ clusterId }) => ({ on: 'kubernetes', match: `kubernetes.${request}`, of: clusterId }),
  isShared: true,
});
const kubernetes = (action: string, limit: SettingName = 'cks.api.timeout'): Action => ({
  limits: [limit],
  place: ({ node: found, clusterId }) => ({ on: 'kubernetes', match: action, of: found?.name ?? clusterId }),
});

/** By kind of step. `rows`: the step only looks, or writes rows only; it is broken where it is written down. A check of a machine's size only reads rows. */
export const ACTIONS: Record<string, Action | 'rows'> = {
  'store.reserve': 'rows',
  'store.keys': 'rows',
  'store.record': 'rows',
  'store.release': 'rows',
  'store.forget': 'rows',
  'store.adopt': 'rows',
  'network.address': gateway('gateway.address'),
  'network.gateway': gateway('gateway.apply'),
  'network.member': gateway('gateway.apply'),
  'network.remove': gateway('gateway.delete'),
  'network.withdraw': gateway('gateway.apply'),
  'machine.volume': machine('volume.create', 'cks.machine.volume.timeout'),
  'machine.define': machine('domain.define'),
  'machine.start': machine('domain.start'),
  'machine.stop': machine('domain.stop'),
  'machine.remove': machine('domain.delete'),
  'machine.resize': machine('domain.resize'),
  'machine.ssh': node('connect', 'cks.node.boot.timeout'),
  'medium.attach': machine('medium.attach'),
  'medium.eject': {
    limits: ['cks.machine.timeout'],
    // The zone is asked to eject by machine, whichever the medium: only the deletion of the seed is known from the ejection of the other.
    place: (spot, title) => ({
      on: 'hypervisor',
      match: title.includes('seed') ? 'seed.delete' : 'medium.detach',
      of: instanceOf(spot, title),
    }),
  },
  'node.install': node('install', 'cks.node.install.timeout'),
  'node.init': node('init', 'cks.node.kubeadm.timeout'),
  'node.join.worker': node('join', 'cks.node.kubeadm.timeout'),
  'node.join.control': node('join', 'cks.node.kubeadm.timeout'),
  'node.kubeconfig': node('kubeconfig', 'cks.component.timeout'),
  'node.ready': look('list.nodes', 'cks.node.ready.timeout'),
  'node.renew': run('renew', 'cks.node.kubeadm.timeout'),
  'node.rejoin': run('renew', 'cks.node.kubeadm.timeout'),
  'node.registry': run('registry', 'cks.component.timeout'),
  'node.etcd': node('etcd', 'cks.etcd.timeout'),
  'node.reset': run('reset', 'cks.component.timeout'),
  'node.validate': 'rows',
  'node.drain': kubernetes('patch.nodes', 'cks.node.drain.timeout'),
  'node.stage': run('prestage', 'cks.node.stage.timeout'),
  'node.upgrade.first': node('upgrade', 'cks.node.upgrade.timeout'),
  'node.upgrade.control': node('upgrade', 'cks.node.upgrade.timeout'),
  'node.upgrade.worker': node('upgrade', 'cks.node.upgrade.timeout'),
  'node.return': kubernetes('patch.nodes', 'cks.node.ready.timeout'),
  'etcd.health': {
    // A member of a stopped machine boots meanwhile.
    limits: ['cks.etcd.timeout', 'cks.node.boot.timeout'],
    place: ({ operationId, line }) => ({ on: 'node', match: `etcd-health-${operationId}-${line}-` }),
  },
  'etcd.save': run('etcd', 'cks.etcd.timeout'),
  'etcd.remove': run('etcd', 'cks.etcd.timeout'),
  'kubernetes.api': look('list.namespaces', 'cks.api.timeout'),
  'kubernetes.baseline': look('list.pods', 'cks.api.timeout'),
  'kubernetes.workload': look('list.pods', 'cks.workload.timeout'),
  'kubernetes.delete': kubernetes('delete.nodes'),
  'kubernetes.protect': kubernetes('patch.nodes'),
  'component.cni': run('cni', 'cks.component.timeout'),
  'component.dashboard': run('component', 'cks.component.timeout'),
  'component.provider': run('component', 'cks.component.timeout'),
  'component.csi': run('component', 'cks.component.timeout'),
  'component.autoscaler': run('component', 'cks.component.timeout'),
  'component.metadata': kubernetes('deny-metadata-access', 'cks.component.timeout'),
  'component.secret': kubernetes('cloudstack-secret', 'cks.component.timeout'),
};

/** Steps whose failure is told and does not end their operation. */
export const isOptional = (operation: string, kind: string): boolean =>
  kind === 'node.reset' ||
  /^component\.(dashboard|metadata|provider|csi)$/.test(kind) ||
  (kind === 'component.secret' && operation.startsWith('create'));
