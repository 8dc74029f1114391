import type { NodeFacts, OfferingSize, OperationRequest } from './operation.js';
import type { ClusterState } from './states.js';
import { compareVersions } from './versions.js';

export interface ScaleWish {
  size?: number;
  machineIds: string[];
  /** By node type as asked; `default` is serviceofferingid. */
  offerings: Partial<Record<'default' | 'control' | 'worker' | 'etcd', OfferingSize>>;
  autoscaling?: boolean;
  min?: number;
  max?: number;
}

export interface ScaleFacts {
  state: ClusterState;
  nodes: readonly NodeFacts[];
  version: { name: string; semantic: string; minCpu: number; minRamMb: number } | undefined;
  /** Offering in force by role, never null for a role that has nodes. */
  current: Partial<Record<'control' | 'worker' | 'etcd', OfferingSize>>;
  maxSize: number;
  endpointUrl: string;
}

const MIN = { cpus: 2, ramMb: 2048 };
/** An address that only this machine reaches (`behaviour.md` §1 `endpoint.url`). */
export const isLocalUrl = (url: string): boolean =>
  url.trim() === '' || /localhost|\/\/127\.0\.0\.1|\[::1\]/i.test(url);

/** What a scale is recorded as, or the rule of `api.md` §2.7 that it breaks first. */
export function checkScale(wish: ScaleWish, facts: ScaleFacts): { request: OperationRequest } | { refusal: string } {
  const refusal = refuse(wish, facts);
  if (refusal !== undefined) return { refusal };
  const { default: all, ...own } = wish.offerings;
  const count = (role: NodeFacts['role']) => facts.nodes.filter((node) => node.role === role).length;
  const roles = (['control', 'worker', 'etcd'] as const).filter((role) => count(role) > 0);
  const offerings = Object.fromEntries(
    roles.flatMap((role) => {
      const size = own[role] ?? all;
      return size ? [[role, size]] : [];
    }),
  );
  return {
    request: {
      ...(wish.size !== undefined && { size: wish.size }),
      ...(wish.machineIds.length > 0 && { machineIds: wish.machineIds }),
      ...(Object.keys(offerings).length > 0 && { offerings }),
      ...(all && { defaultOffering: all }),
      ...(wish.autoscaling !== undefined && {
        autoscaling: {
          enabled: wish.autoscaling,
          ...(wish.min !== undefined && { min: wish.min }),
          ...(wish.max !== undefined && { max: wish.max }),
        },
      }),
    },
  };
}

function refuse(wish: ScaleWish, facts: ScaleFacts): string | undefined {
  const { size, machineIds, offerings, autoscaling } = wish;
  const given = Object.keys(offerings).length > 0;
  if (!given && size === undefined && machineIds.length === 0 && autoscaling === undefined)
    return 'Nothing to scale: give serviceofferingid, nodeofferings, size, nodeids or autoscalingenabled';
  const controls = facts.nodes.filter(({ role }) => role === 'control');
  const workers = facts.nodes.filter(({ role }) => role === 'worker');
  return (
    (autoscaling === undefined ? undefined : refuseAutoscaling(wish, facts, controls.length)) ??
    (machineIds.length > 0 ? refuseIds(wish, facts) : undefined) ??
    refuseOfferings(wish, facts) ??
    (size === undefined ? undefined : refuseSize(size, workers, controls.length, facts))
  );
}

function refuseAutoscaling(wish: ScaleWish, facts: ScaleFacts, controls: number): string | undefined {
  if (facts.state === 'Stopped') return 'Autoscaling can be changed on a running cluster only, this one is Stopped';
  const { size, machineIds, min, max } = wish;
  if (size !== undefined || machineIds.length > 0)
    return wish.autoscaling
      ? 'Autoscaling cannot be combined with size or nodeids: the autoscaler decides about both'
      : 'autoscalingenabled=false cannot be combined with size or nodeids: switch autoscaling off first, then scale';
  if (!wish.autoscaling) return undefined;
  if (!facts.version || compareVersions(facts.version.semantic, '1.15.0') < 0)
    return `Autoscaling needs Kubernetes 1.15.0 or above, this cluster has ${facts.version?.semantic ?? 'none'}`;
  if (isLocalUrl(facts.endpointUrl))
    return `The setting endpoint.url is "${facts.endpointUrl}", which the autoscaler cannot reach: set it to an address of this API that nodes can`;
  if (min === undefined || max === undefined) return 'Autoscaling needs minsize and maxsize';
  if (min < 1) return `minsize must be 1 or more, found ${min}`;
  if (max <= min) return `maxsize must be more than minsize, found ${max} and ${min}`;
  if (max + controls > facts.maxSize)
    return `maxsize ${max} and ${controls} control nodes are more than the ${facts.maxSize} that cloud.kubernetes.cluster.max.size allows`;
  return undefined;
}

function refuseIds({ size, machineIds, offerings }: ScaleWish, { nodes, state }: ScaleFacts): string | undefined {
  if (size !== undefined || offerings.default || offerings.worker)
    return 'nodeids cannot be combined with size, serviceofferingid or an offering for workers';
  if (state === 'Stopped') return 'Nodes can be removed from a running cluster only, this one is Stopped';
  const unknown = machineIds.filter((id) => !nodes.some(({ machineId }) => machineId === id));
  if (unknown.length > 0) return `nodeids: not nodes of this cluster: ${unknown.join(', ')}`;
  const leaving = nodes.filter(({ machineId }) => machineIds.includes(machineId));
  const etcd = leaving.filter(({ role }) => role === 'etcd');
  if (etcd.length > 0) return `nodeids: etcd nodes cannot be removed: ${etcd.map(({ name }) => name).join(', ')}`;
  const external = leaving.filter((node) => node.external);
  if (external.length > 0)
    return `nodeids: ${external.map(({ name }) => name).join(', ')} was added by you: use removeNodesFromKubernetesCluster`;
  for (const role of ['control', 'worker'] as const) {
    const all = nodes.filter((node) => node.role === role).length;
    const gone = leaving.filter((node) => node.role === role).length;
    if (gone > 0 && gone >= all) return `nodeids: the cluster would have no ${role} node left (it has ${all})`;
  }
  return undefined;
}

function refuseOfferings({ offerings }: ScaleWish, facts: ScaleFacts): string | undefined {
  for (const [type, size] of Object.entries(offerings)) {
    const cpus = Math.max(MIN.cpus, facts.version?.minCpu ?? 0);
    const ramMb = Math.max(MIN.ramMb, facts.version?.minRamMb ?? 0);
    if (size.cpus < cpus || size.ramMb < ramMb)
      return `Service offering ${size.name} has ${size.cpus} CPUs and ${size.ramMb} MB: Kubernetes nodes need ${cpus} and ${ramMb} or more`;
    if (facts.state !== 'Running') continue;
    for (const role of type === 'default' ? (['control', 'worker', 'etcd'] as const) : [type as 'control']) {
      const now = facts.current[role];
      if (now && (size.cpus < now.cpus || size.ramMb < now.ramMb))
        return `Service offering ${size.name} is smaller than ${now.name}, which ${role} nodes have: a running cluster can only grow; stop it first`;
    }
  }
  return undefined;
}

function refuseSize(
  size: number,
  workers: readonly NodeFacts[],
  controls: number,
  { state, maxSize }: ScaleFacts,
): string | undefined {
  if (size !== workers.length && state !== 'Running')
    return `The size of a cluster can be changed while it is Running, this one is ${state}`;
  if (size < 1) return `size must be 1 or more, found ${size}`;
  if (size + controls > maxSize)
    return `${controls} control nodes and ${size} workers are more than the ${maxSize} that cloud.kubernetes.cluster.max.size allows`;
  const external = workers.filter((node) => node.external).length;
  if (size < external)
    return `size ${size} is less than the ${external} nodes that you added yourself: remove these with removeNodesFromKubernetesCluster`;
  return undefined;
}
