/**
 * What the service needs of a virtualization host. Every call is ensure-shaped: it looks, acts and confirms, so running it
 * twice, or after a lost reply, changes nothing more. Names are chosen by this service and are the key of every effect.
 * All calls throw faults of the table (`HostUnreachable`, `HypervisorFailed`, `HypervisorRefused`) that name the thing.
 */
export interface HostFacts {
  hypervisor: string;
  arch: string;
  cpus: number;
  ramMb: number;
}

export type DomainState = 'running' | 'shut off';

export interface DomainFacts {
  /** `i-<machine id>` */
  name: string;
  /** Empty for a machine that a user made. */
  clusterId: string;
  machineId: string;
  state: DomainState;
  /** Names of the media in its drives. */
  media: string[];
  cpus: number;
  ramMb: number;
}

/** A template or a version's medium, as a host's pool holds it under the name `imageName` gives. */
export interface ImageSpec {
  kind: 'TEMPLATE' | 'ISO';
  id: string;
  url: string;
  /** `{SHA-256}…`, `{MD5}…` or plain MD5; null when none was given. */
  checksum: string | null;
  /** `QCOW2`, `RAW`, `ISO`, or `TAR` (a root file system, for containers). */
  format: string;
}
export const imageName = ({ kind, id }: Pick<ImageSpec, 'kind' | 'id'>): string =>
  `${kind === 'ISO' ? 'iso' : 'template'}-${id}`;

export interface FetchedImage {
  path: string;
  bytes: number;
  /** Of the content, in hexadecimal. */
  sha256: string;
}
/** What a driver's hosts may be served with beyond the general rules. */
export interface FetchRules {
  /** Their images may come from this machine itself. */
  loopback?: boolean;
}
/** A fetched, verified copy on this machine; made only when a pool needs it. */
export type ImageFile = (rules?: FetchRules) => Promise<FetchedImage>;

export interface VolumeSpec {
  name: string;
  sizeGb: number;
  /** Id of the template that the volume starts as a copy of; its image is on the host already. */
  templateId: string;
}

export interface SeedMedium {
  name: string;
  /** Files of a NoCloud seed: `meta-data`, `user-data`, `network-config`. They hold the machine's SSH host key: never logged. */
  files: Record<string, string>;
}

/** A network as a host has it: the bridge that its machines are on. */
export interface HostNetwork {
  networkId: string;
  /** Unique per zone: the VXLAN number, and the name of the bridge. */
  networkNumber: number;
  /** The operator's own bridge instead, for a shared network: nothing is made or taken away. */
  bridge?: string;
}

export interface DomainSpec {
  name: string;
  clusterId: string;
  machineId: string;
  /** Host name of the guest, the Kubernetes node name. */
  hostName: string;
  cpus: number;
  ramMb: number;
  /** What `ensureSize` can reach without a restart. */
  maxCpus: number;
  maxRamMb: number;
  macAddress: string;
  networkId: string;
  networkNumber: number;
  /** As in `HostNetwork`. */
  bridge?: string;
  ipAddress: string;
  volume: string;
  /** Media in its drives from the first boot on: the seed, and the version's medium by ISO id. */
  media: string[];
}

export interface Hypervisor {
  readFacts(): Promise<HostFacts>;
  /** Domains of this service on the host, in one call. */
  listDomains(): Promise<DomainFacts[]>;
  /** Names of the volumes, seeds and images of this service in the host's pool. */
  listVolumes(): Promise<string[]>;
  /** The image in the host's pool, fetched once. */
  ensureImage(image: ImageSpec, file: ImageFile): Promise<void>;
  ensureImageAbsent(name: string): Promise<void>;
  /** Leaves the host with the bridge of the network, joined to the other hosts of the zone. */
  ensureNetwork(network: HostNetwork): Promise<void>;
  /** Takes the network's bridge away; left alone while a machine is on it. */
  ensureNetworkAbsent(network: HostNetwork): Promise<void>;
  ensureVolume(spec: VolumeSpec): Promise<void>;
  ensureVolumeAbsent(name: string): Promise<void>;
  ensureSeed(seed: SeedMedium): Promise<void>;
  ensureSeedAbsent(name: string): Promise<void>;
  /** Leaves the domain defined as `spec` says, its media attached, not started. */
  ensureDefined(spec: DomainSpec): Promise<void>;
  /** Starts the domain; from then on it starts with its host. */
  ensureRunning(name: string): Promise<void>;
  /** Asks the guest to power off, and powers it off after `graceSeconds`; it no longer starts with its host. */
  ensureStopped(name: string, graceSeconds: number): Promise<void>;
  /** Powers the domain off if it runs, and undefines it. */
  ensureAbsent(name: string): Promise<void>;
  /** `medium`: name of a seed or an image. */
  ensureMediumAttached(name: string, medium: string): Promise<void>;
  ensureMediumDetached(name: string, medium: string): Promise<void>;
  /** Leaves the domain with so many CPUs and so much memory, at once when it runs: `HypervisorRefused` past its maximum. */
  ensureSize(name: string, size: { cpus: number; ramMb: number }): Promise<void>;
  /**
   * Marks a domain that somebody else made, by its name, as the machine of this service that it is from now on, and changes nothing
   * else of it. Absent where a driver cannot. `HypervisorRefused` when there is no such domain.
   */
  ensureAdopted?(name: string, machineId: string): Promise<void>;
  /** Takes the mark away again; the domain goes on as it is. */
  ensureLetGo?(name: string, machineId: string): Promise<void>;
}
