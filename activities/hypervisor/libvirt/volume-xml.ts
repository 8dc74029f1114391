import { xml, type Xml } from './xml.js';

export type DiskFormat = 'qcow2' | 'raw';

/** How a pool makes a disk from a template: as an overlay on its file, or as a full copy. */
export const POOLS: Readonly<Record<string, 'overlay' | 'clone'>> = {
  dir: 'overlay',
  fs: 'overlay',
  netfs: 'overlay',
  logical: 'clone',
  rbd: 'clone',
};

const bytes = (name: string, count: number) => xml(name, { unit: 'bytes' }, count);

/** An empty volume that bytes are sent to. A file grows as they come, so what it holds shows how far it got. */
export const emptyVolume = (name: string, capacity: number): Xml =>
  xml('volume', {}, [
    xml('name', {}, name),
    bytes('capacity', capacity),
    bytes('allocation', 0),
    xml('target', {}, [xml('format', { type: 'raw' })]),
  ]);

export const overlayVolume = (name: string, capacity: number, base: { path: string; format: DiskFormat }): Xml =>
  xml('volume', {}, [
    xml('name', {}, name),
    bytes('capacity', capacity),
    bytes('allocation', 0),
    xml('target', {}, [xml('format', { type: 'qcow2' })]),
    xml('backingStore', {}, [xml('path', {}, base.path), xml('format', { type: base.format })]),
  ]);

/** The new volume of a full copy in a pool whose volumes are block devices. */
export const cloneVolume = (name: string, capacity: number): Xml =>
  xml('volume', {}, [xml('name', {}, name), bytes('capacity', capacity), bytes('allocation', capacity)]);
