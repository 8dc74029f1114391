import type { DomainFacts, DomainSpec, HostFacts, ImageSpec, SeedMedium, VolumeSpec } from '../driver.js';
import type { HostKey } from '../../../db/ssh-host-key.js';
import type { HostUri } from './libvirt-uri.js';

/** Files that a connection needs, by name; they exist for the child only. */
export type HostFiles = Record<string, string>;

/** A host as the child meets it. */
export interface Target {
  /** Name for people. */
  name: string;
  /** Same key, same connections: changes with the URL and with the files. */
  key: string;
  uri: HostUri;
  files: HostFiles;
  /** The key that an SSH host has to show; undefined when none is stored, and for others. */
  hostKey: HostKey | undefined;
  pool: string;
}

/** A domain to define, with the bridge that its machine is on. */
export type BridgedSpec = DomainSpec & { bridge: string };

/** What a thread does with a host; each looks, acts and confirms, and may be called again. */
export interface Operations {
  facts: { args: []; result: HostFacts };
  domains: { args: []; result: DomainFacts[] };
  volumes: { args: []; result: string[] };
  hasImage: { args: [name: string]; result: boolean };
  putImage: { args: [image: Pick<ImageSpec, 'kind' | 'id' | 'format'>, path: string, bytes: number]; result: void };
  removeImage: { args: [name: string]; result: void };
  bridgeInUse: { args: [bridge: string]; result: boolean };
  putVolume: { args: [spec: VolumeSpec]; result: void };
  removeVolume: { args: [name: string]; result: void };
  putSeed: { args: [seed: SeedMedium]; result: void };
  removeSeed: { args: [name: string]; result: void };
  define: { args: [spec: BridgedSpec]; result: void };
  start: { args: [name: string]; result: void };
  /** Asks the guest to power off; true when it is off already, or cannot be asked. */
  shutDown: { args: [name: string]; result: boolean };
  isOff: { args: [name: string]; result: boolean };
  powerOff: { args: [name: string]; result: void };
  adopt: { args: [name: string, machineId: string]; result: void };
  letGo: { args: [name: string, machineId: string]; result: void };
  undefine: { args: [name: string]; result: void };
  attach: { args: [name: string, medium: string]; result: void };
  detach: { args: [name: string, medium: string]; result: void };
  resize: { args: [name: string, size: { cpus: number; ramMb: number }]; result: void };
}
export type OperationName = keyof Operations;

export interface Call {
  kind: 'call';
  id: number;
  target: Target;
  operation: OperationName;
  args: unknown[];
}
export type ToChild = Call | { kind: 'abandon'; id: number } | { kind: 'close' };

export interface PlainFault {
  code: string;
  message: string;
  facts: Record<string, unknown>;
}
export type FromChild =
  | { kind: 'done'; id: number; result: unknown }
  | { kind: 'fault'; id: number; fault: PlainFault }
  /** A connection is being opened for the call: libvirt has no limit for that. */
  | { kind: 'opening'; id: number }
  /** The connection is open, or a part of something long was done. */
  | { kind: 'progress'; id: number };

/** Seconds between two keepalive questions, and how many may stay open: a hung daemon is found after interval × (count + 1). */
export interface KeepAlive {
  interval: number;
  count: number;
}

export interface ChildOptions {
  keepAlive: KeepAlive;
  library: string;
  /** Folder of the child's own, for keys; it removes what it wrote. */
  folder: string;
}
