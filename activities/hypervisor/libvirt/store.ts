import type { SeedMedium, VolumeSpec } from '../driver.js';
import type { Operations } from './protocol.js';
import type { Xml } from './xml.js';

export type NewImage = Operations['putImage']['args'][0];

/** Where a disk, a medium or a root is, as its domain needs it. */
export interface Place {
  path: string;
  kind: 'file' | 'block' | 'folder' | 'rbd';
  /** `rbd`: the monitors, and who is let in with which of libvirt's secrets. */
  source?: Xml[];
}

/** What a pool holds for machines: disks and drives for virtual machines, folders for containers. Existing things are looked at first. */
export interface Store {
  names(): string[];
  hasImage(name: string): boolean;
  putImage(image: NewImage, path: string, bytes: number): void;
  removeImage(name: string): void;
  putVolume(spec: VolumeSpec): void;
  removeVolume(name: string): void;
  putSeed(seed: SeedMedium): void;
  removeSeed(name: string): void;
  /** Refuses what is not there. */
  root(volume: string): Place;
  /** A seed or an image; refuses what is not there. */
  medium(name: string): Place;
}

/** Volumes of machines: `i-<machine id>-<what for>`. */
export const MACHINE_VOLUME = /^i-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[\w-]+$/i;
export const IMAGE_VOLUME = /^(template|iso)-[\w-]+$/;
export const isImage = (name: string): boolean => IMAGE_VOLUME.test(name);
export const GIB = 2 ** 30;
export const inGb = (bytes: number): string =>
  bytes < GIB ? `${(bytes / 2 ** 20).toFixed(1)} MB` : `${(bytes / GIB).toFixed(bytes < 10 * GIB ? 2 : 0)} GB`;
