import type { Place } from './store.js';
import { allAt, firstAt, xml, type Xml } from './xml.js';

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

/** Volume groups make nothing smaller. */
const EXTENT = 4 << 20;

/** An empty volume for so many bytes. A file grows as they come, so what it holds shows how far it got; a block device has them from the beginning. */
export const emptyVolume = (name: string, wanted: number, makes: 'overlay' | 'clone' = 'overlay'): Xml => {
  const capacity = makes === 'overlay' ? 0 : Math.max(wanted, EXTENT);
  return xml('volume', {}, [
    xml('name', {}, name),
    bytes('capacity', capacity),
    bytes('allocation', capacity),
    xml('target', {}, [xml('format', { type: 'raw' })]),
  ]);
};

/** Where a volume is for a domain: of an `rbd` pool, libvirt takes what the pool says of monitors and secret anew in each disk. */
export function placeIn(pool: Xml, path: string): Place {
  const type = pool.attributes['type'] ?? '';
  if (POOLS[type] === 'overlay') return { path, kind: 'file' };
  if (type !== 'rbd') return { path, kind: 'block' };
  const { username } = firstAt(pool, 'source/auth')?.attributes ?? {};
  const { uuid, usage } = firstAt(pool, 'source/auth/secret')?.attributes ?? {};
  return {
    path,
    kind: 'rbd',
    source: [
      ...allAt(pool, 'source/host').map(({ attributes: { name, port } }) => xml('host', { name, port })),
      ...(username === undefined ? [] : [xml('auth', { username }, [xml('secret', { type: 'ceph', uuid, usage })])]),
    ],
  };
}

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
