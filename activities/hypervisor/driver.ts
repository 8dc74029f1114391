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
  clusterId: string;
  machineId: string;
  state: DomainState;
  /** Names of the media in its drives. */
  media: string[];
}

export interface VolumeSpec {
  name: string;
  sizeGb: number;
  /** Id of the template that the volume starts as a copy of. */
  templateId: string;
  templateUrl: string;
}

export interface SeedMedium {
  name: string;
  /** Files of a NoCloud seed: `meta-data`, `user-data`, `network-config`. They hold the machine's SSH host key: never logged. */
  files: Record<string, string>;
}

export interface DomainSpec {
  name: string;
  clusterId: string;
  machineId: string;
  /** Host name of the guest, the Kubernetes node name. */
  hostName: string;
  cpus: number;
  ramMb: number;
  macAddress: string;
  networkId: string;
  ipAddress: string;
  volume: string;
  /** Media in its drives from the first boot on: the seed, and the version's medium by ISO id. */
  media: string[];
}

export interface Hypervisor {
  readFacts(): Promise<HostFacts>;
  /** Domains of this service on the host, in one call. */
  listDomains(): Promise<DomainFacts[]>;
  /** The version's medium, fetched once per host's pool; named `iso-<id>`. */
  ensureIso(isoId: string, url: string): Promise<void>;
  ensureVolume(spec: VolumeSpec): Promise<void>;
  ensureVolumeAbsent(name: string): Promise<void>;
  ensureSeed(seed: SeedMedium): Promise<void>;
  ensureSeedAbsent(name: string): Promise<void>;
  /** Leaves the domain defined as `spec` says, its media attached, not started. */
  ensureDefined(spec: DomainSpec): Promise<void>;
  ensureRunning(name: string): Promise<void>;
  /** Powers the domain off if it runs, and undefines it. */
  ensureAbsent(name: string): Promise<void>;
  ensureMediumDetached(name: string, medium: string): Promise<void>;
}
