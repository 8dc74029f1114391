/**
 * Every setting: name, default, type and meaning. Stored values overlay the defaults once, when an attempt of an operation
 * starts; the frozen result travels in the operation's input. Names and defaults of `cloud.kubernetes.*`: `behaviour.md` §1.
 */
export interface SettingRule {
  value: number | boolean | string;
  unit?: 's' | 'count' | 'GB';
  /** Smallest value accepted (numbers only). */
  min?: number;
  scope?: 'Global' | 'Account';
  dynamic?: boolean;
  /** What a text has to look like (texts only). */
  form?: { pattern: RegExp; words: string };
  doc: string;
}

/** A name as Kubernetes takes it for a namespace (RFC 1123). */
const LABEL = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';

export const SETTINGS = {
  'cloud.kubernetes.service.enabled': {
    value: true,
    dynamic: false,
    doc: 'Whether the Kubernetes commands exist at all; read when the API server starts',
  },
  'cloud.kubernetes.cluster.network.offering': {
    value: 'DefaultNetworkOfferingforKubernetesService',
    doc: 'Name of the network offering for networks that create makes',
  },
  'cloud.kubernetes.cluster.start.timeout': {
    value: 3600,
    unit: 's',
    min: 1,
    doc: 'Longest time a create or start may take; past it no new step starts',
  },
  'cloud.kubernetes.cluster.scale.timeout': { value: 3600, unit: 's', min: 1, doc: 'Longest time a scale may take' },
  'cloud.kubernetes.cluster.upgrade.timeout': {
    value: 3600,
    unit: 's',
    min: 1,
    doc: 'Longest time an upgrade may take',
  },
  'cloud.kubernetes.cluster.upgrade.retries': {
    value: 3,
    unit: 'count',
    min: 0,
    doc: 'Extra attempts of a drain and of an upgrade that failed, per node; a drain that disruption budgets block waits once',
  },
  'cloud.kubernetes.cluster.add.node.timeout': {
    value: 3600,
    unit: 's',
    min: 1,
    doc: 'Longest time adding external nodes may take',
  },
  'cloud.kubernetes.cluster.remove.node.timeout': {
    value: 900,
    unit: 's',
    min: 1,
    doc: 'Longest time removing external nodes may take',
  },
  'cloud.kubernetes.cluster.experimental.features.enabled': {
    value: false,
    doc: 'Whether private registry parameters are accepted',
  },
  'cloud.kubernetes.cluster.max.size': {
    value: 10,
    unit: 'count',
    min: 1,
    scope: 'Account',
    doc: 'Most control and worker nodes of one cluster; etcd nodes are not counted',
  },
  'cloud.kubernetes.control.node.install.attempt.wait.duration': {
    value: 15,
    unit: 's',
    min: 1,
    doc: 'Pause between looks for the version medium on control and etcd nodes',
  },
  'cloud.kubernetes.control.node.install.reattempt.count': {
    value: 100,
    unit: 'count',
    min: 1,
    doc: 'Looks for the version medium on control and etcd nodes',
  },
  'cloud.kubernetes.worker.node.install.attempt.wait.duration': {
    value: 30,
    unit: 's',
    min: 1,
    doc: 'Pause between looks for the version medium on workers',
  },
  'cloud.kubernetes.worker.node.install.reattempt.count': {
    value: 40,
    unit: 'count',
    min: 1,
    doc: 'Looks for the version medium on workers',
  },
  'cloud.kubernetes.etcd.node.start.port': {
    value: 50000,
    unit: 'count',
    min: 1024,
    doc: 'First public port of the SSH forwards to etcd nodes',
  },
  'endpoint.url': {
    value: 'http://localhost:8080/client/api',
    doc: 'Address of this API as nodes reach it; must not be a local one',
  },
  'default.page.size': { value: 500, unit: 'count', min: 1, doc: 'Largest and default page of a list' },
  'job.expire.minutes': { value: 1440, unit: 'count', min: 1, doc: 'Minutes that a finished job can still be queried' },
  'session.timeout': { value: 30, unit: 'count', min: 1, doc: 'Minutes after which an idle session ends' },
  'api.sessionkey.check.locations': {
    value: 'CookieAndParameter',
    doc: 'Where a session key must be shown: CookieAndParameter, CookieOrParameter or ParameterOnly',
  },
  'enforce.post.requests.and.timestamps': {
    value: false,
    doc: 'Whether changing commands must be POSTed and signed with an expiry',
  },
  'cks.operation.width': {
    value: 20,
    unit: 'count',
    min: 1,
    doc: 'Nodes that one operation works on at the same time',
  },
  'cks.host.install.width': {
    value: 4,
    unit: 'count',
    min: 1,
    doc: 'Installations at the same time on one host, per operation',
  },
  'cks.machine.timeout': {
    value: 600,
    unit: 's',
    min: 1,
    doc: 'Longest time to create, define, start or remove one machine',
  },
  'cks.machine.volume.timeout': {
    value: 3600,
    unit: 's',
    min: 1,
    doc: 'Longest time to fetch a template to a host and to make a volume from it',
  },
  'cks.network.timeout': {
    value: 600,
    unit: 's',
    min: 1,
    doc: 'Longest time to set up or change the gateway of one network',
  },
  'cks.node.boot.timeout': {
    value: 900,
    unit: 's',
    min: 1,
    doc: 'Longest time from start of a machine until it answers on SSH',
  },
  'cks.node.install.timeout': {
    value: 1500,
    unit: 's',
    min: 1,
    doc: 'Longest time the installation on one node may take',
  },
  'cks.node.kubeadm.timeout': { value: 900, unit: 's', min: 1, doc: 'Longest time one kubeadm run may take' },
  'cks.node.ready.timeout': { value: 900, unit: 's', min: 1, doc: 'Longest time until a joined node is Ready' },
  'cks.machine.stop.timeout': {
    value: 120,
    unit: 's',
    min: 1,
    doc: 'How long a machine may take to power off by itself before it is switched off',
  },
  'cks.node.drain.timeout': {
    value: 900,
    unit: 's',
    min: 1,
    doc: 'How long evictions from one node may wait on disruption budgets',
  },
  'cks.node.stage.timeout': {
    value: 1500,
    unit: 's',
    min: 1,
    doc: 'Longest time to put the images and programs of a new version on one node',
  },
  'cks.node.upgrade.timeout': {
    value: 1200,
    unit: 's',
    min: 1,
    doc: 'Longest time that kubeadm and the kubelet of one node may take to be upgraded',
  },
  'cks.drain.width': { value: 2, unit: 'count', min: 1, doc: 'Nodes that a scale-down drains at the same time' },
  'cks.upgrade.width': {
    value: 1,
    unit: 'count',
    min: 1,
    doc: 'Workers that an upgrade takes out of service at the same time',
  },
  'cks.upgrade.surge': {
    value: 0,
    unit: 'count',
    min: 0,
    doc: 'Extra workers that an upgrade makes before it takes the first one out of service, and removes at its end',
  },
  'cks.workload.timeout': {
    value: 600,
    unit: 's',
    min: 1,
    doc: 'How long the pods of a cluster may take to be as ready as they were before a node was taken out',
  },
  'cks.etcd.timeout': {
    value: 300,
    unit: 's',
    min: 1,
    doc: 'Longest time to wait for a healthy etcd, and to save it',
  },
  'cks.component.timeout': {
    value: 300,
    unit: 's',
    min: 1,
    doc: 'Longest time to install one component: dashboard, cloud controller, CSI driver, CNI configuration; and of a short run on a node: registry, kubeconfig, reset',
  },
  'cks.metadata.policy.namespaces': {
    value: '',
    form: {
      pattern: new RegExp(`^(?:${LABEL}(?:, *${LABEL})*)?$`),
      words: 'names of namespaces, comma-separated, such as default,kube-system',
    },
    doc: 'Namespaces of new clusters that get a NetworkPolicy against the metadata server of a platform, comma-separated; none by default, since gateways drop what is for one',
  },
  'cks.certificate.renew.days': {
    value: 30,
    unit: 'count',
    min: 0,
    doc: 'Certificates that end within so many days are renewed when a cluster starts, and by the scan',
  },
  'cks.certificate.warning.days': {
    value: 60,
    unit: 'count',
    min: 0,
    doc: 'Days before the end of its certificates from which on a cluster shows a warning',
  },
  'cks.scan.seconds': {
    value: 30,
    unit: 's',
    min: 1,
    doc: 'Seconds between two looks at the machines of a zone; API servers of clusters in Alert are asked as often, others ten times as seldom',
  },
  'cks.host.down.seconds': {
    value: 300,
    unit: 's',
    min: 1,
    doc: 'Seconds without an answer after which a host counts as down and its nodes as to be replaced',
  },
  'cks.zone.queues': {
    value: false,
    doc: 'Whether work on a zone goes only to workers that serve the zone; a worker with `CKS_ZONES` sets it when it starts',
  },
  'cks.zone.worker.timeout': {
    value: 120,
    unit: 's',
    min: 1,
    doc: 'Longest time that work on a zone waits for a worker that serves the zone',
  },
  'cks.build.gone.seconds': {
    value: 300,
    unit: 's',
    min: 1,
    doc: 'Seconds without an answer of any worker of a build (`CKS_BUILD_ID`) after which the runs pinned to it are ended, to be resumed',
  },
  'cks.auto.replace': {
    value: false,
    doc: 'Whether workers on a host that is down are replaced without being asked',
  },
  'cpu.overprovisioning.factor': {
    value: 1,
    unit: 'count',
    min: 1,
    doc: 'How many CPUs of machines a host takes for each that it has',
  },
  'mem.overprovisioning.factor': {
    value: 1,
    unit: 'count',
    min: 1,
    doc: 'How much memory of machines a host takes for what it has',
  },
  'cks.api.timeout': {
    value: 600,
    unit: 's',
    min: 1,
    doc: 'Longest time until an API server answers through the balancer',
  },
  'cks.download.cidrs': {
    value: '',
    doc: 'Private address ranges that templates and media may be fetched from, comma-separated, such as 10.20.0.0/16; none by default, since every user may name a URL',
  },
  'cks.download.max.gb': {
    value: 50,
    unit: 'GB',
    min: 1,
    doc: 'Largest template or medium that is fetched or uploaded',
  },
  'cks.download.timeout': {
    value: 7200,
    unit: 's',
    min: 1,
    doc: 'Longest time to fetch one template or medium',
  },
  'upload.operation.timeout': {
    value: 10,
    unit: 'count',
    min: 1,
    doc: 'Minutes that the address for an upload stays valid',
  },
} as const satisfies Record<string, SettingRule>;

export type SettingName = keyof typeof SETTINGS;
type Widen<T> = T extends number ? number : T extends boolean ? boolean : string;
export type Settings = Readonly<{ [K in SettingName]: Widen<(typeof SETTINGS)[K]['value']> }>;

export const DEFAULT_SETTINGS = Object.freeze(
  Object.fromEntries(Object.entries(SETTINGS).map(([name, rule]) => [name, rule.value])),
) as Settings;

export const isSettingName = (name: string): name is SettingName => Object.hasOwn(SETTINGS, name);

/** The value of a setting from its stored text, or why the text is not one. */
export function parseSetting(
  name: SettingName,
  text: string,
): { value: number | boolean | string } | { problem: string } {
  const rule: SettingRule = SETTINGS[name];
  if (typeof rule.value === 'number') {
    const value = Number(text);
    if (!/^-?\d+$/.test(text.trim()) || !Number.isSafeInteger(value))
      return { problem: `${name} takes a whole number, found "${text}"` };
    if (rule.min !== undefined && value < rule.min)
      return { problem: `${name} takes ${rule.min} or more, found ${value}` };
    return { value };
  }
  if (typeof rule.value === 'boolean') {
    const lower = text.trim().toLowerCase();
    return lower === 'true' || lower === 'false'
      ? { value: lower === 'true' }
      : { problem: `${name} takes true or false, found "${text}"` };
  }
  if (rule.form && !rule.form.pattern.test(text))
    return { problem: `${name} takes ${rule.form.words}, found "${text}"` };
  return { value: text };
}
