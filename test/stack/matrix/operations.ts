import type { NodeRole, VmRow } from '../../../db/rows.js';
import type { OperationKind } from '../../../workflows/model/states.js';
import { versionAfter } from '../facts.js';
import type { Stack } from '../stack.js';

/** A cluster that a lane works with. */
export interface Subject {
  id: string;
  name: string;
}
/** What a cluster is like. The sizes are those of all nodes that it counts. */
export interface Form {
  controls: number;
  workers: number;
  /** Nodes of these roles are `large`. */
  larger?: NodeRole[];
  autoscaled?: boolean;
  /** Further parameters of its create. */
  parameters?: (stack: Stack, name: string) => Record<string, string> | Promise<Record<string, string>>;
  /** What makes it so after the create. */
  make?: (stack: Stack, subject: Subject) => Promise<[command: string, parameters: Record<string, string>][]>;
}
const offering = (stack: Stack, name: string) =>
  stack.row<{ uuid: string }>('SELECT uuid FROM service_offering WHERE name = ?', name).uuid;
const one = (stack: Stack, { id }: Subject, role: string) =>
  stack.row<{ vm_id: string }>(
    'SELECT vm_id FROM kubernetes_cluster_vm_map WHERE cluster_id = ? AND role = ? AND external_node = 0 ORDER BY id',
    id,
    role,
  ).vm_id;
/** Machines that a user made in the network of the cluster. */
export const guests = (stack: Stack, { id }: Subject) =>
  stack.rows<VmRow>(
    `SELECT * FROM vm_instance WHERE network_id = ? AND vm_type <> 'cksnode' AND removed IS NULL`,
    stack.cluster(id).network_id,
  );

const deploy = (stack: Stack, { id, name }: Subject): [string, Record<string, string>] => {
  const cluster = stack.cluster(id);
  return [
    'deployVirtualMachine',
    {
      name: `${name}-guest`,
      zoneid: cluster.zone_id,
      networkids: String(cluster.network_id),
      serviceofferingid: offering(stack, 'medium'),
      rootdisksize: '10',
    },
  ];
};
const nodeids = (stack: Stack, subject: Subject) => guests(stack, subject).map(({ uuid }) => uuid).join(); // prettier-ignore

const everything = (stack: Stack) => ({
  controlnodes: '2', size: '1', etcdnodes: '1', enablecsi: 'true',
  cniconfigurationid: stack.row<{ uuid: string }>(`SELECT uuid FROM user_data WHERE name = 'matrix'`).uuid,
  dockerregistryurl: 'https://registry.example.org', dockerregistryusername: 'u', dockerregistrypassword: 'p',
}); // prettier-ignore

/** A network that its user made stays when a cluster in it goes. */
export const OWN = '-own-network';
const inOwnNetwork = async (stack: Stack, name: string) => {
  const zone = stack.row<{ uuid: string }>('SELECT uuid FROM data_center').uuid;
  const isolated = stack.row<{ uuid: string }>(`SELECT uuid FROM network_offerings WHERE guest_type = 'Isolated'`).uuid;
  const { network } = await stack.call('createNetwork', { name: `${name}${OWN}`, zoneid: zone, networkofferingid: isolated }); // prettier-ignore
  return { networkid: (network as { id: string }).id };
};

export const FORMS: Record<string, Form> = {
  '1+1': { controls: 1, workers: 1 },
  "1+1 in its user's network": { controls: 1, workers: 1, parameters: inOwnNetwork },
  '1+2': { controls: 1, workers: 2 },
  '2+1': { controls: 2, workers: 1 },
  '3+1': { controls: 3, workers: 1 },
  full: { controls: 2, workers: 1, parameters: everything },
  large: { controls: 1, workers: 1, larger: ['control', 'worker'] },
  stopped: {
    controls: 1,
    workers: 1,
    make: (_, { id }) => Promise.resolve([['stopKubernetesCluster', { id }]]),
  },
  'stopped, large': { controls: 1, workers: 1, larger: ['control', 'worker'] },
  'full, stopped': {
    controls: 2,
    workers: 1,
    parameters: everything,
    make: (_, { id }) => Promise.resolve([['stopKubernetesCluster', { id }]]),
  },
  'full, large': { controls: 2, workers: 1, larger: ['etcd'] },
  autoscaled: {
    controls: 1,
    workers: 1,
    autoscaled: true,
    make: (_, { id }) =>
      Promise.resolve([['scaleKubernetesCluster', { id, autoscalingenabled: 'true', minsize: '1', maxsize: '3' }]]),
  },
  'with a machine beside it': {
    controls: 1,
    workers: 1,
    make: (stack, subject) => Promise.resolve([deploy(stack, subject)]),
  },
  'with a machine in it': { controls: 1, workers: 2 },
};

export interface Shape {
  kind: OperationKind;
  from: string;
  to: string;
  command: string;
  parameters: (stack: Stack, subject: Subject) => Record<string, string>;
  /** False for a cluster of the form on which it would do nothing. */
  fits?: (stack: Stack, subject: Subject) => boolean;
}
const upgrade = (form: string): Shape => ({
  kind: 'upgrade', from: form, to: form, command: 'upgradeKubernetesCluster',
  fits: (stack, subject) => versionAfter(stack, subject.id) !== undefined,
  parameters: (stack, subject) => ({ kubernetesversionid: versionAfter(stack, subject.id)?.uuid ?? '' }),
}); // prettier-ignore
const replace = (form: string, role: string): Shape => ({
  kind: 'replaceNode', from: form, to: form, command: 'replaceKubernetesNode',
  parameters: (stack, subject) => ({ nodeid: one(stack, subject, role) }),
}); // prettier-ignore
const scale = (from: string, to: string, parameters: Shape['parameters']): Shape => ({
  kind: 'scale', from, to, command: 'scaleKubernetesCluster', parameters,
}); // prettier-ignore

/** In the place of a command for what the scan begins. */
export const RENEWAL = 'renewal';

/** Every kind of operation, and of the larger ones every way. `from` '' begins with no cluster, `to` '' leaves none. */
export const SHAPES: Record<string, Shape> = {
  create: {
    kind: 'create', from: '', to: '1+1', command: 'createKubernetesCluster',
    parameters: () => ({ controlnodes: '1', size: '1' }),
  },
  'create with everything': {
    kind: 'create', from: '', to: 'full', command: 'createKubernetesCluster',
    parameters: everything,
  },
  'scale up': scale('1+1', '1+2', () => ({ size: '2' })),
  'scale down': scale('1+2', '1+1', () => ({ size: '1' })),
  'a control node leaves': scale('3+1', '2+1', (stack, { id }) => ({
    nodeids: stack.rows<{ vm_id: string }>(`SELECT vm_id FROM kubernetes_cluster_vm_map WHERE cluster_id = ? AND role = 'control' ORDER BY id`, id)[1]!.vm_id,
  })),
  'larger machines': scale('1+1', 'large', (stack) => ({ serviceofferingid: offering(stack, 'large') })),
  'autoscaling on': scale('1+1', 'autoscaled', () => ({ autoscalingenabled: 'true', minsize: '1', maxsize: '3' })),
  'autoscaling off': scale('autoscaled', '1+1', () => ({ autoscalingenabled: 'false' })),
  'larger etcd machines': scale('full', 'full, large', (stack) => ({
    'nodeofferings[0].node': 'etcd', 'nodeofferings[0].offering': offering(stack, 'large'),
  })),
  'scale while stopped': {
    kind: 'scaleStopped', from: 'stopped', to: 'stopped, large', command: 'scaleKubernetesCluster',
    parameters: (stack) => ({ serviceofferingid: offering(stack, 'large') }),
  },
  stop: { kind: 'stop', from: '1+1', to: 'stopped', command: 'stopKubernetesCluster', parameters: () => ({}) },
  start: { kind: 'start', from: 'stopped', to: '1+1', command: 'startKubernetesCluster', parameters: () => ({}) },
  'stop with everything': { kind: 'stop', from: 'full', to: 'full, stopped', command: 'stopKubernetesCluster', parameters: () => ({}) },
  'start with everything': { kind: 'start', from: 'full, stopped', to: 'full', command: 'startKubernetesCluster', parameters: () => ({}) },
  'renewal of certificates': { kind: 'renew', from: '1+1', to: '1+1', command: RENEWAL, parameters: () => ({}) },
  upgrade: upgrade('1+1'),
  'upgrade of two control nodes': upgrade('2+1'),
  'add nodes': {
    kind: 'addNodes', from: 'with a machine beside it', to: 'with a machine in it', command: 'addNodesToKubernetesCluster',
    parameters: (stack, subject) => ({ nodeids: nodeids(stack, subject) }),
  },
  'remove nodes': {
    kind: 'removeNodes', from: 'with a machine in it', to: 'with a machine beside it', command: 'removeNodesFromKubernetesCluster',
    parameters: (stack, subject) => ({ nodeids: nodeids(stack, subject) }),
  },
  'replace a worker': replace('1+2', 'worker'),
  'replace a control node': replace('2+1', 'control'),
  delete: { kind: 'delete', from: '1+1', to: '', command: 'deleteKubernetesCluster', parameters: () => ({}) },
  "delete in its user's network": {
    kind: 'delete', from: "1+1 in its user's network", to: '', command: 'deleteKubernetesCluster', parameters: () => ({}),
  },
}; // prettier-ignore
