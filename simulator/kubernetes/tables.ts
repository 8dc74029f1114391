import { addressOf } from './nodes.js';
import type { DisruptionBudget, KubeObject, Node, Pod, Workload } from './objects.js';
import { isReady } from './objects.js';

type Cell = string | number;
interface Layout {
  /** a name ending in `+` is shown only by `-o wide` (priority 1) */
  columns: string[];
  cells: (object: never) => Cell[];
}

const NONE = '<none>';
const orNone = (value: unknown): string => (typeof value === 'string' && value ? value : NONE);

/** A duration as kubectl writes it. */
export function duration(from: unknown, now = Date.now()): string {
  const start = Date.parse(String(from));
  if (Number.isNaN(start)) return '<unknown>';
  const seconds = Math.max(0, Math.floor((now - start) / 1000));
  const [minutes, hours, days] = [60, 3600, 86_400].map((unit) => Math.floor(seconds / unit)) as [
    number,
    number,
    number,
  ];
  const rest = (value: number, unit: string): string => (value ? `${value}${unit}` : '');
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return `${minutes}m${rest(seconds % 60, 's')}`;
  if (hours < 3) return `${minutes}m`;
  if (hours < 8) return `${hours}h${rest(minutes % 60, 'm')}`;
  if (hours < 48) return `${hours}h`;
  if (days < 8) return `${days}d${rest(hours % 24, 'h')}`;
  return `${days}d`;
}

const age = ({ metadata }: KubeObject): string => duration(metadata.creationTimestamp);
const name = ({ metadata }: KubeObject): string => metadata.name;

function nodeCells(node: Node): Cell[] {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.keys(node.metadata.labels ?? {}).filter((label) => label.startsWith(prefix));
  const status = (isReady(node) ? 'Ready' : 'NotReady') + (node.spec?.unschedulable ? ',SchedulingDisabled' : '');
  const { kubeletVersion, osImage, kernelVersion, containerRuntimeVersion } = node.status?.nodeInfo ?? {};
  const external = node.status?.addresses?.find(({ type }) => type === 'ExternalIP')?.address;
  return [
    name(node),
    status,
    orNone(roles.map((label) => label.slice(prefix.length)).join(',')),
    age(node),
    kubeletVersion ?? '',
    orNone(addressOf(node)),
    orNone(external),
    osImage ?? '<unknown>',
    kernelVersion ?? '<unknown>',
    containerRuntimeVersion ?? '<unknown>',
  ];
}

function podCells(pod: Pod): Cell[] {
  const statuses = pod.status?.containerStatuses ?? [];
  const phase = pod.metadata.deletionTimestamp ? 'Terminating' : (pod.status?.reason ?? pod.status?.phase ?? 'Unknown');
  const restarts = statuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
  const ready = `${statuses.filter((each) => each.ready).length}/${pod.spec.containers?.length ?? 0}`;
  const wide = [orNone(pod.status?.podIP), orNone(pod.spec.nodeName), orNone(pod.status?.nominatedNodeName), NONE];
  return [name(pod), ready, phase, restarts, age(pod), ...wide];
}

const selectorText = ({ spec }: Workload): string =>
  orNone(
    Object.entries(spec.selector?.matchLabels ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  );
const templateCells = (object: Workload): Cell[] => {
  const containers = object.spec.template?.spec?.containers ?? [];
  return [
    containers.map((each) => each.name).join(','),
    containers.map(({ image }) => image).join(','),
    selectorText(object),
  ];
};
const count = (value: number | undefined): number => value ?? 0;

interface Service extends KubeObject {
  spec: {
    type?: string;
    clusterIP?: string;
    externalIPs?: string[];
    ports?: { port: number; nodePort?: number; protocol?: string }[];
    selector?: Record<string, string>;
  };
}
const serviceCells = (service: Service): Cell[] => {
  const { type = 'ClusterIP', clusterIP, externalIPs, ports = [], selector } = service.spec;
  const portText = ports.map(
    ({ port, nodePort, protocol = 'TCP' }) => `${port}${nodePort ? `:${nodePort}` : ''}/${protocol}`,
  );
  const selected = Object.entries(selector ?? {}).map(([key, value]) => `${key}=${value}`);
  const external = externalIPs?.join(',') ?? (type === 'LoadBalancer' ? '<pending>' : undefined);
  return [
    name(service),
    type,
    orNone(clusterIP),
    orNone(external),
    orNone(portText.join(',')),
    age(service),
    orNone(selected.join(',')),
  ];
};

interface Event extends KubeObject {
  involvedObject?: { kind?: string; name?: string; fieldPath?: string };
  source?: { component?: string; host?: string };
  reason?: string;
  message?: string;
  type?: string;
  count?: number;
}
const eventCells = (event: Event): Cell[] => {
  const { kind = '', name: target = '', fieldPath } = event.involvedObject ?? {};
  const seen = duration(event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp);
  const first = duration(event.firstTimestamp ?? event.metadata.creationTimestamp);
  const source = [event.source?.component, event.source?.host].filter(Boolean).join(', ');
  const subject = `${kind.toLowerCase()}/${target}`;
  const wide = [first, event.count ?? 1, name(event)];
  return [seen, event.type ?? '', event.reason ?? '', subject, fieldPath ?? '', source, event.message ?? '', ...wide];
};

const size = (value: unknown): number => Object.keys((value as object | undefined) ?? {}).length;
const TEMPLATE = ['Containers+', 'Images+', 'Selector+'];

const LAYOUTS: Record<string, Layout> = {
  nodes: {
    columns:
      'Name Status Roles Age Version Internal-IP+ External-IP+ OS-Image+ Kernel-Version+ Container-Runtime+'.split(' '),
    cells: nodeCells,
  },
  pods: {
    columns: ['Name', 'Ready', 'Status', 'Restarts', 'Age', 'IP+', 'Node+', 'Nominated Node+', 'Readiness Gates+'],
    cells: podCells,
  },
  namespaces: {
    columns: ['Name', 'Status', 'Age'],
    cells: (object: KubeObject) => [
      name(object),
      object.metadata.deletionTimestamp ? 'Terminating' : ((object.status as { phase?: string })?.phase ?? ''),
      age(object),
    ],
  },
  secrets: {
    columns: ['Name', 'Type', 'Data', 'Age'],
    cells: (object: KubeObject) => [name(object), object.type as string, size(object.data), age(object)],
  },
  configmaps: {
    columns: ['Name', 'Data', 'Age'],
    cells: (object: KubeObject) => [name(object), size(object.data) + size(object.binaryData), age(object)],
  },
  serviceaccounts: {
    columns: ['Name', 'Secrets', 'Age'],
    cells: (object: KubeObject) => [name(object), size(object.secrets), age(object)],
  },
  services: {
    columns: ['Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age', 'Selector+'],
    cells: serviceCells,
  },
  events: {
    columns: 'Last Seen,Type,Reason,Object,Subobject+,Source+,Message,First Seen+,Count+,Name+'.split(','),
    cells: eventCells,
  },
  'leases.coordination.k8s.io': {
    columns: ['Name', 'Holder', 'Age'],
    cells: (object: KubeObject) => [
      name(object),
      (object.spec as { holderIdentity?: string })?.holderIdentity ?? '',
      age(object),
    ],
  },
  'poddisruptionbudgets.policy': {
    columns: ['Name', 'Min Available', 'Max Unavailable', 'Allowed Disruptions', 'Age'],
    cells: (object: DisruptionBudget) => [
      name(object),
      object.spec.minAvailable ?? 'N/A',
      object.spec.maxUnavailable ?? 'N/A',
      count(object.status?.disruptionsAllowed as number),
      age(object),
    ],
  },
  'deployments.apps': {
    columns: ['Name', 'Ready', 'Up-to-date', 'Available', 'Age', ...TEMPLATE],
    cells: (object: Workload) => {
      const { readyReplicas, updatedReplicas, availableReplicas } = object.status ?? {};
      const ready = `${count(readyReplicas)}/${object.spec.replicas ?? 1}`;
      return [
        name(object),
        ready,
        count(updatedReplicas),
        count(availableReplicas),
        age(object),
        ...templateCells(object),
      ];
    },
  },
  'replicasets.apps': {
    columns: ['Name', 'Desired', 'Current', 'Ready', 'Age', ...TEMPLATE],
    cells: (object: Workload) => {
      const { replicas, readyReplicas } = object.status ?? {};
      return [
        name(object),
        object.spec.replicas ?? 1,
        count(replicas),
        count(readyReplicas),
        age(object),
        ...templateCells(object),
      ];
    },
  },
  'statefulsets.apps': {
    columns: ['Name', 'Ready', 'Age', 'Containers+', 'Images+'],
    cells: (object: Workload) => {
      const ready = `${count(object.status?.readyReplicas)}/${object.spec.replicas ?? 1}`;
      return [name(object), ready, age(object), ...templateCells(object).slice(0, 2)];
    },
  },
  'daemonsets.apps': {
    columns: ['Name', 'Desired', 'Current', 'Ready', 'Up-to-date', 'Available', 'Node Selector', 'Age', ...TEMPLATE],
    cells: (object: Workload) => {
      const status = object.status ?? {};
      const selector = Object.entries(object.spec.template.spec.nodeSelector ?? {}).map((pair) => pair.join('='));
      return [
        name(object),
        count(status.desiredNumberScheduled),
        count(status.currentNumberScheduled),
        count(status.numberReady),
        count(status.updatedNumberScheduled),
        count(status.numberAvailable),
        orNone(selector.join(',')),
        age(object),
        ...templateCells(object),
      ];
    },
  },
};
const OTHER: Layout = { columns: ['Name', 'Age'], cells: (object: KubeObject) => [name(object), age(object)] };

/** Malformed objects may be stored; they must not keep the others from being shown. */
function cellsOf({ columns, cells }: Layout, object: KubeObject): Cell[] {
  try {
    return cells(object as never);
  } catch {
    return [name(object), ...columns.slice(1).map(() => '<unknown>')];
  }
}

/** The server-side table that `kubectl get` prints. */
export function toTable(resource: string, objects: KubeObject[], version: string, include: string | null): object {
  const layout = LAYOUTS[resource] ?? OTHER;
  const columnDefinitions = layout.columns.map((column) => ({
    name: column.replace('+', ''),
    type: 'string',
    format: column === 'Name' ? 'name' : '',
    description: '',
    priority: column.endsWith('+') ? 1 : 0,
  }));
  const rows = objects.map((object) => {
    const partial = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
    const shown = include === 'Object' ? object : include === 'None' ? null : partial;
    return { cells: cellsOf(layout, object), object: shown };
  });
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: version },
    columnDefinitions,
    rows,
  };
}
