import { type HostFault, refused } from './host-fault.js';
import type { VolumePtr } from './library.js';
import { CODE, isLibvirt, LibvirtError, type Session } from './session.js';
import { inGb, type Place } from './store.js';
import { emptyVolume, placeIn, POOLS } from './volume-xml.js';
import { readXml, textAt, writeXml, type Xml } from './xml.js';

export interface Pool {
  name: string;
  makes: 'overlay' | 'clone';
  /** Folder of a pool of files. */
  folder: string;
  close(): void;
  names(): string[];
  has(name: string): boolean;
  with<T>(name: string, use: (volume: VolumePtr) => T): T | undefined;
  path(name: string): string;
  /** As a domain is told of it. */
  place(name: string): Place;
  create(volume: Xml): void;
  clone(volume: Xml, from: VolumePtr): void;
  /** Leaves an empty volume of that name. */
  ensureEmpty(name: string): void;
  remove(name: string): void;
  /** Refuses when the pool has not so many bytes left. */
  room(bytes: number, name: string): void;
  full(bytes: number, name: string): HostFault;
}

/** The pool of a host, started if it is not; refuses one that does not exist or is of a kind that nothing is known about. */
export function openPool(session: Session, host: string, name: string): Pool {
  const found = session.look(CODE.noPool, () => session.call((v) => v.poolLookup(session.connection, name)));
  if (found === undefined)
    throw refused(
      `host ${host} has no storage pool ${name}: make one there (virsh pool-define-as ${name} dir --target FOLDER, pool-build, pool-start, pool-autostart), or name another one in the host's pool`,
    );
  const pool = found;
  const close = () => void session.v.poolFree(pool);
  try {
    if (session.call((v) => v.poolIsActive(pool)) === 0) session.call((v) => v.poolCreate(pool, 0));
    const described = readXml(session.call((v) => v.poolXml(pool, 0)));
    const type = described.attributes['type'] ?? '';
    const makes = POOLS[type];
    if (!makes)
      throw refused(`pool ${name} of host ${host} is of type ${type}; taken are ${Object.keys(POOLS).join(', ')}`);
    return { name, makes, folder: textAt(described, 'target/path') ?? '', close, ...volumes(makes, described) };
  } catch (error) {
    close();
    throw error;
  }

  function volumes(makes: Pool['makes'], described: Xml) {
    const refresh = () => {
      // Refused while a volume of the pool is being built; what is known then is new enough.
      try {
        session.call((v) => v.poolRefresh(pool, 0));
      } catch (error) {
        if (!(error instanceof LibvirtError)) throw error;
      }
    };
    const look = (volume: string) =>
      session.look(CODE.noVolume, () => session.call((v) => v.volumeLookup(pool, volume)));
    /** libvirt also knows volumes whose file was deleted behind its back, until it looks anew. */
    const find = (volume: string): VolumePtr | undefined => {
      const seen = look(volume);
      if (seen === undefined) return undefined;
      try {
        session.call((v) => v.volumeInfo(seen, {}, 0));
        return seen;
      } catch (error) {
        session.v.volumeFree(seen);
        if (!(error instanceof LibvirtError)) throw error;
        refresh();
        return look(volume);
      }
    };
    const within = <T>(volume: string, use: (volume: VolumePtr) => T): T | undefined => {
      const one = find(volume);
      if (one === undefined) return undefined;
      try {
        return use(one);
      } finally {
        session.v.volumeFree(one);
      }
    };
    const make = (run: () => VolumePtr) => void session.v.volumeFree(run());
    const free = () => {
      const info: { available?: number | bigint } = {};
      session.call((v) => v.poolInfo(pool, info));
      return Number(info.available);
    };
    const full = (bytes: number, what: string) => {
      refresh();
      return refused(
        `pool ${name} of host ${host} is too full for ${what}: it needs ${inGb(bytes)}, and ${inGb(free())} are free. Make room in it or enlarge it, then try again`,
        {
          host,
          pool: name,
          needed: bytes,
        },
      );
    };
    const pathOf = (volume: string) => {
      const found = within(volume, (one) => session.call((v) => v.volumePath(one)));
      if (found === undefined) throw refused(`pool ${name} of host ${host} holds no volume ${volume}`);
      return found;
    };
    return {
      names: () => session.volumeNames(pool),
      has: (volume: string) => within(volume, () => true) ?? false,
      with: within,
      path: pathOf,
      place: (volume: string) => placeIn(described, pathOf(volume)),
      create: (volume: Xml) => make(() => session.call((v) => v.volumeCreate(pool, writeXml(volume), 0))),
      clone: (volume: Xml, from: VolumePtr) =>
        make(() => session.call((v) => v.volumeClone(pool, writeXml(volume), from, 0))),
      ensureEmpty: (volume: string) => {
        try {
          make(() => session.call((v) => v.volumeCreate(pool, writeXml(emptyVolume(volume, 0, makes)), 0)));
        } catch (error) {
          if (!isLibvirt(error, CODE.exists, CODE.volumeExists)) throw error;
        }
      },
      remove: (volume: string) => void within(volume, (one) => session.call((v) => v.volumeDelete(one, 0))),
      room: (bytes: number, what: string) => {
        refresh();
        if (free() < bytes) throw full(bytes, what);
      },
      full,
    };
  }
}
