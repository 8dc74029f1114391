import { closeSync, fchmodSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import path from 'node:path';

const SECTOR = 2048;
const PART = 1 << 20;

interface IsoEntry {
  name: string;
  isFolder: boolean;
  executable: boolean;
  /** Where its content lies: sector and bytes; a large file has several. */
  extents: { at: number; bytes: number }[];
}

/**
 * Unpacks an ISO 9660 medium into an empty folder, for containers, which have no drives. Names are those of Rock Ridge, else of
 * Joliet, else plain; links are left out. `each` is called between two parts.
 */
export function unpackIso(medium: string, folder: string, each: () => void = () => undefined): void {
  const file = openSync(medium, 'r');
  try {
    const read = (at: number, bytes: number): Buffer => {
      const content = Buffer.alloc(bytes);
      const got = readSync(file, content, 0, bytes, at * SECTOR);
      if (got !== bytes) throw new Error(`the medium ends in sector ${at + Math.floor(got / SECTOR)}`);
      return content;
    };
    const { root, joliet } = rootOf(read);
    const unpack = (extent: { at: number; bytes: number }, into: string) => {
      for (const entry of entriesOf(read, extent, joliet)) {
        const to = path.join(into, entry.name);
        if (entry.isFolder) {
          mkdirSync(to, { recursive: true });
          for (const inner of entry.extents) unpack(inner, to);
        } else copyOut(file, entry, to, each);
      }
    };
    unpack(root, folder);
  } finally {
    closeSync(file);
  }
}

function copyOut(from: number, { extents, executable }: IsoEntry, to: string, each: () => void): void {
  const file = openSync(to, 'w', 0o644);
  try {
    for (const { at, bytes } of extents)
      for (let done = 0; done < bytes;) {
        each();
        const part = Buffer.alloc(Math.min(PART, bytes - done));
        const got = readSync(from, part, 0, part.length, at * SECTOR + done);
        if (got === 0) throw new Error(`the medium ends within ${path.basename(to)}`);
        writeSync(file, part, 0, got);
        done += got;
      }
    if (executable) fchmodSync(file, 0o755);
  } finally {
    closeSync(file);
  }
}

type Read = (at: number, bytes: number) => Buffer;

function rootOf(read: Read): { root: { at: number; bytes: number }; joliet: boolean } {
  let plain: Buffer | undefined;
  let joliet: Buffer | undefined;
  for (let at = 16; at < 32; at++) {
    const descriptor = read(at, SECTOR);
    if (descriptor.toString('latin1', 1, 6) !== 'CD001') throw new Error('it is no ISO 9660 medium');
    if (descriptor[0] === 255) break;
    if (descriptor[0] === 1) plain ??= descriptor;
    if (descriptor[0] === 2 && /%\/[@CE]/.test(descriptor.toString('latin1', 88, 120))) joliet ??= descriptor;
  }
  if (!plain) throw new Error('it has no primary volume descriptor');
  const rootIn = (descriptor: Buffer) => ({ at: descriptor.readUInt32LE(158), bytes: descriptor.readUInt32LE(166) });
  const root = rootIn(plain);
  const rockRidge = entriesOf(read, root, false, true).some(({ name }) => name !== '');
  return rockRidge || !joliet ? { root, joliet: false } : { root: rootIn(joliet), joliet: true };
}

/** With `rockRidgeOnly` the names are empty where Rock Ridge gives none. */
function entriesOf(
  read: Read,
  where: { at: number; bytes: number },
  joliet: boolean,
  rockRidgeOnly = false,
): IsoEntry[] {
  const folder = read(where.at, where.bytes);
  const entries: IsoEntry[] = [];
  let more: IsoEntry | undefined;
  for (let at = 0; at < folder.length;) {
    const length = folder[at] ?? 0;
    if (length === 0) {
      at = (Math.floor(at / SECTOR) + 1) * SECTOR;
      continue;
    }
    const one = folder.subarray(at, at + length);
    at += length;
    const idLength = one[32] ?? 0;
    const id = one.subarray(33, 33 + idLength);
    if (idLength === 1 && (id[0] ?? 2) < 2) continue;
    const flags = one[25] ?? 0;
    const {
      name: posixName,
      mode,
      link,
    } = rockRidgeOf(read, one.subarray(33 + idLength + (idLength % 2 === 0 ? 1 : 0)));
    const extent = { at: one.readUInt32LE(2), bytes: one.readUInt32LE(10) };
    if (more) more.extents.push(extent);
    else if (!link) {
      const named = posixName || (rockRidgeOnly ? '' : plainName(id, joliet));
      if (/[/\0]/.test(named) || named === '.' || named === '..')
        throw new Error('a name on the medium leads out of it');
      more = { name: named, isFolder: (flags & 2) !== 0, executable: (mode & 0o111) !== 0, extents: [extent] };
      entries.push(more);
    }
    if ((flags & 0x80) === 0) more = undefined;
  }
  return entries;
}

function plainName(id: Buffer, joliet: boolean): string {
  const text = joliet ? Buffer.from(id).swap16().toString('utf16le') : id.toString('latin1').toLowerCase();
  return text.replace(/;\d+$/, '').replace(/\.$/, '');
}

function rockRidgeOf(read: Read, use: Buffer): { name: string; mode: number; link: boolean } {
  let name = '';
  let mode = 0;
  let link = false;
  for (let at = 0; at + 4 <= use.length;) {
    const length = use[at + 2] ?? 0;
    if (length < 4) break;
    const kind = use.toString('latin1', at, at + 2);
    if (kind === 'NM') name += use.toString('utf8', at + 5, at + length);
    if (kind === 'PX') mode = use.readUInt32LE(at + 4);
    if (kind === 'SL') link = true;
    if (kind === 'CE') {
      const [sector, from, bytes] = [4, 12, 20].map((offset) => use.readUInt32LE(at + offset)) as [
        number,
        number,
        number,
      ];
      const rest = rockRidgeOf(read, read(sector, from + bytes).subarray(from));
      name += rest.name;
      mode ||= rest.mode;
      link ||= rest.link;
    }
    at += length;
  }
  return { name, mode, link };
}
