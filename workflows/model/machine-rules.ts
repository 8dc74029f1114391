import type { MachineChangeKind } from './machine-change.js';

/** What a change of a machine is judged by. */
export interface MachineFacts {
  name: string;
  state: string;
  /** False: without a domain on a host of ours. */
  managed: boolean;
  /** The cluster that it is a node or member of. */
  cluster?: {
    name: string;
    type: 'CloudManaged' | 'ExternalManaged';
    /** A user's own machine that was added as a worker. */
    external: boolean;
    /** The operation that holds the cluster. */
    busy?: string;
  };
}

const STATES: Record<Exclude<MachineChangeKind, 'deploy' | 'import'>, readonly string[]> = {
  start: ['Stopped', 'Error', 'Unknown'],
  stop: ['Running', 'Unknown'],
  reboot: ['Running', 'Unknown'],
  destroy: ['Running', 'Stopped', 'Starting', 'Stopping', 'Destroyed', 'Error', 'Unknown'],
};

/** Why the change is refused, in words that say what to do instead; undefined when it may go on. */
export function refuseMachineChange(kind: MachineChangeKind, machine: MachineFacts): string | undefined {
  if (kind === 'deploy' || kind === 'import') return undefined;
  const refusal = refuseNode(kind, machine);
  if (refusal !== undefined) return refusal;
  if (!machine.managed && kind !== 'destroy')
    return `Machine ${machine.name} is not on a host of this service, so nothing here can ${kind} it: do it on the machine itself`;
  if (!STATES[kind].includes(machine.state))
    return `Machine ${machine.name} is ${machine.state}: to ${kind} it, it has to be ${orList(STATES[kind].slice(0, -1))}`;
  return undefined;
}

function refuseNode(kind: MachineChangeKind, { name, cluster }: MachineFacts): string | undefined {
  if (!cluster || cluster.type === 'ExternalManaged') return undefined;
  if (!cluster.external)
    return kind === 'destroy'
      ? `Machine ${name} is a node of Kubernetes cluster ${cluster.name}: remove it with scaleKubernetesCluster and nodeids`
      : `Machine ${name} is a node of Kubernetes cluster ${cluster.name}: use startKubernetesCluster or stopKubernetesCluster, or remove the node with scaleKubernetesCluster and nodeids`;
  if (kind === 'destroy')
    return `Machine ${name} is a worker of Kubernetes cluster ${cluster.name}: take it out with removeNodesFromKubernetesCluster first`;
  if (cluster.busy !== undefined)
    return `Machine ${name} is a worker of Kubernetes cluster ${cluster.name}, which is busy: operation "${cluster.busy}" has to end first`;
  return undefined;
}

const orList = (words: readonly string[]) =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
