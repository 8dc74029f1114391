import { place, type HostRoom } from './placement.js';
import { isLocalUrl } from './scale-rules.js';
import { compareVersions } from './versions.js';

/** What `createKubernetesCluster` is asked for, once its ids are resolved to what they name. */
export interface CreateWish {
  name: string;
  size: number | undefined;
  controlNodes: number;
  etcdNodes: number;
  rootDiskGb: number | undefined;
  externalBalancer: string | undefined;
  keypair: string | undefined;
  registry: (string | undefined)[];
  hypervisor: string | undefined;
  networkGiven: boolean;
  nodeOfferings: { node: string | undefined; offering: string | undefined }[];
  nodeTemplates: { node: string | undefined; template: string | undefined }[];
}

export interface OfferingFacts {
  uuid: string;
  name: string;
  cpu: number;
  ramMb: number;
  hostTags?: string[];
  /** Nothing new can be made with it. */
  inactive?: boolean;
}

export interface CreateFactsFromRows {
  endpointUrl: string;
  maxSize: number;
  experimental: boolean;
  zone: { name: string; enabled: boolean; uuid: string } | undefined;
  networkOffering: { name: string; problem: string | undefined };
  version:
    | {
        name: string;
        semantic: string;
        enabled: boolean;
        zoneId: string | null;
        minCpu: number;
        minRamMb: number;
        isoReady: boolean;
      }
    | undefined;
  /** Offering by uuid: those that exist. */
  offerings: ReadonlyMap<string, OfferingFacts>;
  defaultOffering: string | undefined;
  keypairExists: boolean;
  template: { arch: string } | undefined;
  /** By uuid: those of `nodetemplates` that exist. */
  templates: ReadonlyMap<string, { name: string; usable: boolean; arch?: string }>;
  network: { name: string; shared: boolean; problem: string | undefined } | undefined;
  hosts: readonly HostRoom[];
}

export const NODE_TYPES = ['default', 'control', 'worker', 'etcd'] as const;
const MIN_CPU = 2;
const MIN_RAM_MB = 2048;
const MIN_ROOT_GB = 8;

/** The rule of `api.md` §2.5 that a CloudManaged create breaks first, in the order of that table; undefined when it may go ahead. */
export function refuseCreate(wish: CreateWish, facts: CreateFactsFromRows): string | undefined {
  const { version, zone } = facts;
  if (isLocalUrl(facts.endpointUrl)) {
    return `The setting endpoint.url is "${facts.endpointUrl}", which nodes cannot reach: set it to an address of this API that they can`;
  }
  if (wish.rootDiskGb !== undefined && wish.rootDiskGb < MIN_ROOT_GB)
    return `noderootdisksize must be ${MIN_ROOT_GB} GB or more, found ${wish.rootDiskGb}`;
  for (const { node, offering } of wish.nodeOfferings) {
    const problem =
      badEntry('nodeofferings', 'offering', node, offering) ??
      (facts.offerings.has(offering ?? '') ? undefined : `nodeofferings: there is no service offering ${offering}`);
    if (problem) return problem;
  }
  if (wish.name.trim() === '') return 'Invalid name for the Kubernetes cluster: it is empty';
  if (wish.controlNodes < 1)
    return `Invalid cluster control nodes count: expected 1 or more, found ${wish.controlNodes}`;
  if (wish.size === undefined || wish.size < 1)
    return `Invalid cluster size: expected 1 worker or more, found ${wish.size ?? 'none'}`;
  if (wish.controlNodes + wish.size > facts.maxSize) {
    return `Invalid cluster size: ${wish.controlNodes} control nodes and ${wish.size} workers are more than the ${facts.maxSize} that cloud.kubernetes.cluster.max.size allows`;
  }
  if (wish.etcdNodes < 0) return `Invalid etcd nodes count: expected 0 or more, found ${wish.etcdNodes}`;
  if (!zone) return 'Unable to find the zone';
  if (!zone.enabled) return `Cannot perform this operation, zone ${zone.name} is currently disabled`;
  if (facts.networkOffering.problem)
    return `Kubernetes service has not been configured properly to provision Kubernetes clusters: ${facts.networkOffering.problem}`;
  if (!version) return 'Unable to find the given Kubernetes version: kubernetesversionid must name a supported version';
  if (!version.enabled)
    return `Kubernetes version ${version.name} is not enabled: expected state Enabled, found Disabled`;
  if (version.zoneId !== null && version.zoneId !== zone.uuid)
    return `Kubernetes version ${version.name} is not available in zone ${zone.name}`;
  if (wish.controlNodes > 1 && compareVersions(version.semantic, '1.16.0') < 0) {
    return `HA support is available only for Kubernetes version 1.16.0 and above, ${version.name} is ${version.semantic}`;
  }
  if (!version.isoReady)
    return `The medium of Kubernetes version ${version.name} is not ready in zone ${zone.name}: expected isostate Ready`;
  const offerings = offeringPerType(wish, facts);
  for (const type of ['worker', 'control', ...(wish.etcdNodes > 0 ? ['etcd'] : [])] as const) {
    const problem = badOffering(type, offerings.get(type), version);
    if (problem) return problem;
  }
  if (wish.keypair !== undefined && !facts.keypairExists)
    return `There is no SSH key pair named "${wish.keypair}" in the owner's account`;
  const registry = wish.registry.filter((part) => part !== undefined && part !== '').length;
  if (registry !== 0 && registry !== 3)
    return 'The private registry needs all of dockerregistryusername, dockerregistrypassword and dockerregistryurl, or none';
  if (facts.network?.problem) return facts.network.problem;
  const { network } = facts;
  if (wish.externalBalancer !== undefined) {
    if (!isIP(wish.externalBalancer))
      return `externalloadbalanceripaddress must be an IP address, found "${wish.externalBalancer}"`;
    if (!network?.shared) return 'externalloadbalanceripaddress can be given for shared networks only';
  }
  if (registry === 3 && !isHttpUrl(wish.registry[2] ?? ''))
    return `dockerregistryurl must be an http or https URL, found "${wish.registry[2]}"`;
  if (registry === 3 && !facts.experimental)
    return 'The private registry needs the setting cloud.kubernetes.cluster.experimental.features.enabled';
  for (const { node, template } of wish.nodeTemplates) {
    const problem = badEntry('nodetemplates', 'template', node, template);
    if (problem) return problem;
    const found = facts.templates.get(template ?? '');
    if (!found) return `nodetemplates: there is no template ${template}`;
    if (!found.usable)
      return `nodetemplates: template ${found.name} cannot be used for ${node} nodes: it must be registered with forcks=true and be Ready`;
  }
  if (!facts.template)
    return `Not able to find a template for Kubernetes nodes in zone ${zone.name}: register one with forcks=true`;
  if (network?.shared && wish.controlNodes > 1 && wish.externalBalancer === undefined)
    return 'Several control nodes on a shared network need externalloadbalanceripaddress: a balancer of yours for ports 6443 and 2222 on';
  if (network?.shared && wish.etcdNodes > 0)
    return 'Dedicated etcd nodes need an isolated network or a VPC tier: they are reached through its gateway';
  const machine = (role: 'control' | 'worker' | 'etcd') => {
    const { cpu: cpus = 0, ramMb = 0, hostTags = [] } = offerings.get(role) ?? {};
    const own = wish.nodeTemplates.find(({ node }) => node?.toLowerCase() === role)?.template;
    const arch = facts.templates.get(own ?? '')?.arch;
    return { role, cpus, ramMb, hostTags, ...(arch !== undefined && { arch }) };
  };
  const placed = place(facts.hosts, {
    arch: facts.template.arch,
    ...(wish.hypervisor !== undefined && { hypervisor: wish.hypervisor }),
    machines: [
      ...Array.from({ length: wish.etcdNodes }, () => machine('etcd')),
      ...Array.from({ length: wish.controlNodes }, () => machine('control')),
      ...Array.from({ length: wish.size }, () => machine('worker')),
    ],
  });
  if ('missing' in placed) return `Insufficient capacity in zone ${zone.name}: ${placed.missing}`;
  return undefined;
}

/** An IPv4 or IPv6 address in text; the model cannot ask `node:net`. */
const isIP = (text: string): boolean =>
  text.includes(':')
    ? /^[0-9a-f:]+(\d+\.\d+\.\d+\.\d+)?$/i.test(text) && text.length >= 2
    : /^(\d{1,3}\.){3}\d{1,3}$/.test(text) && text.split('.').every((part) => Number(part) < 256);
const isHttpUrl = (text: string): boolean => /^https?:\/\/[^\s/]+/i.test(text);

/** The offering of each node type: its own, else the default one. */
export function offeringPerType(
  wish: CreateWish,
  facts: Pick<CreateFactsFromRows, 'offerings' | 'defaultOffering'>,
): ReadonlyMap<string, OfferingFacts | undefined> {
  return new Map(
    NODE_TYPES.map((type) => {
      const own =
        wish.nodeOfferings.find(({ node }) => node?.toLowerCase() === type)?.offering ?? facts.defaultOffering;
      return [type, own === undefined ? undefined : facts.offerings.get(own)];
    }),
  );
}

function badEntry(map: string, field: string, node: string | undefined, value: string | undefined): string | undefined {
  if (!node || !value)
    return `${map}: every entry needs node and ${field}, found node=${node ?? ''} ${field}=${value ?? ''}`;
  if (!(NODE_TYPES as readonly string[]).includes(node.toLowerCase()))
    return `${map}: node must be control, worker or etcd, found "${node}"`;
  return undefined;
}

function badOffering(
  type: string,
  offering: OfferingFacts | undefined,
  version: { name: string; minCpu: number; minRamMb: number },
): string | undefined {
  if (!offering) return `No service offering for ${type} nodes: give serviceofferingid, or one in nodeofferings`;
  if (offering.inactive) return `Service offering ${offering.name} for ${type} nodes is Inactive: choose another one`;
  const cpu = Math.max(MIN_CPU, version.minCpu);
  const ram = Math.max(MIN_RAM_MB, version.minRamMb);
  if (offering.cpu < cpu)
    return `Service offering ${offering.name} for ${type} nodes has ${offering.cpu} CPUs: Kubernetes version ${version.name} needs ${cpu} or more`;
  if (offering.ramMb < ram)
    return `Service offering ${offering.name} for ${type} nodes has ${offering.ramMb} MB: Kubernetes version ${version.name} needs ${ram} MB or more`;
  return undefined;
}
