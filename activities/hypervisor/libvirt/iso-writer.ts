/**
 * A small ISO 9660 medium with Joliet and Rock Ridge names (ECMA-119, IEEE P1282): files of one flat folder, as a NoCloud seed is.
 * Made here, so that no program is needed and the same files always give the same bytes. Sectors: 16 primary and 17 Joliet
 * descriptor, 18 end, 19 to 22 path tables, 23 and 24 root folders, 25 the note that Rock Ridge is used, from 26 on the files.
 */
const SECTOR = 2048;
const FIRST_FILE = 26;

export interface IsoMedium {
  /** Volume name; cloud-init looks for `cidata`. */
  label: string;
  /** Who made it and what for: how this service knows its own media. */
  application: string;
  files: Record<string, string>;
}

export function writeIso({ label, application, files }: IsoMedium): Buffer {
  let sector = FIRST_FILE;
  const placed = Object.entries(files)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => {
      const content = Buffer.from(text);
      const at = sector;
      sector += Math.ceil(content.length / SECTOR);
      return { name, content, at };
    });
  const image = Buffer.alloc(sector * SECTOR);
  const put = (at: number, content: Buffer) => content.copy(image, at * SECTOR);

  const plainRoot = folder(23, [
    { id: '\0', at: 23, size: SECTOR, use: Buffer.concat([SP, px(0o40755), ce(25, RRIP.length)]) },
    { id: '\x01', at: 23, size: SECTOR, use: px(0o40755) },
    ...placed.map(({ name, content, at }, i) => ({
      id: `FILE${i}.;1`,
      at,
      size: content.length,
      use: Buffer.concat([px(0o100444), nm(name)]),
    })),
  ]);
  const jolietRoot = folder(24, [
    { id: '\0', at: 24, size: SECTOR },
    { id: '\x01', at: 24, size: SECTOR },
    ...placed.map(({ name, content, at }) => ({ id: wide(name), at, size: content.length })),
  ]);
  put(
    16,
    descriptor(1, sector, label, application, (text, length) => Buffer.from(text.padEnd(length)), 19, 23),
  );
  put(
    17,
    descriptor(2, sector, label, application, (text, length) => widePadded(text, length), 21, 24),
  );
  put(18, Buffer.from([255, ...Buffer.from('CD001'), 1]));
  put(19, pathTable(23, false));
  put(20, pathTable(23, true));
  put(21, pathTable(24, false));
  put(22, pathTable(24, true));
  put(23, plainRoot);
  put(24, jolietRoot);
  put(25, RRIP);
  for (const { content, at } of placed) put(at, content);
  return image;
}

/** The application of a medium that this service wrote: read from the sectors 16 and 17. */
export const isoApplication = (medium: Buffer): string =>
  medium.subarray(16 * SECTOR + 1, 16 * SECTOR + 6).toString() === 'CD001'
    ? medium.toString('latin1', 16 * SECTOR + 574, 16 * SECTOR + 702).trimEnd()
    : '';

function both16(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(value, 0);
  bytes.writeUInt16BE(value, 2);
  return bytes;
}
function both32(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(value, 0);
  bytes.writeUInt32BE(value, 4);
  return bytes;
}
const wide = (text: string) => Buffer.from(text, 'utf16le').swap16();
function widePadded(text: string, length: number): Buffer {
  const even = length - (length % 2);
  return Buffer.concat([wide(text.padEnd(even / 2).slice(0, even / 2)), Buffer.alloc(length - even)]);
}

/** 1 January 2000, so that the same files give the same medium. */
const RECORD_DATE = Buffer.from([100, 1, 1, 0, 0, 0, 0]);
const LONG_DATE = Buffer.concat([Buffer.from('2000010100000000'), Buffer.from([0])]);
const NO_DATE = Buffer.concat([Buffer.from('0'.repeat(16)), Buffer.from([0])]);

interface Entry {
  id: string | Buffer;
  at: number;
  size: number;
  use?: Buffer;
}

function record({ id, at, size, use = Buffer.alloc(0) }: Entry): Buffer {
  const name = Buffer.from(id as string);
  const isFolder = name.length === 1 && (name[0] ?? 2) < 2;
  const padding = Buffer.alloc(name.length % 2 === 0 ? 1 : 0);
  const rest = Buffer.concat([
    Buffer.from([0]),
    both32(at),
    both32(size),
    RECORD_DATE,
    Buffer.from([isFolder ? 2 : 0, 0, 0]),
    both16(1),
    Buffer.from([name.length]),
    name,
    padding,
    use,
  ]);
  const whole = Buffer.concat([Buffer.from([0]), rest, Buffer.alloc((rest.length + 1) % 2)]);
  whole[0] = whole.length;
  return whole;
}

function folder(at: number, entries: Entry[]): Buffer {
  const content = Buffer.concat(entries.map(record));
  if (content.length > SECTOR) throw new Error(`a medium of ${entries.length - 2} files has no place in sector ${at}`);
  return content;
}

function pathTable(root: number, bigEndian: boolean): Buffer {
  const table = Buffer.alloc(10);
  table[0] = 1;
  if (bigEndian) {
    table.writeUInt32BE(root, 2);
    table.writeUInt16BE(1, 6);
  } else {
    table.writeUInt32LE(root, 2);
    table.writeUInt16LE(1, 6);
  }
  return table;
}

function descriptor(
  type: 1 | 2,
  sectors: number,
  label: string,
  application: string,
  text: (content: string, length: number) => Buffer,
  pathTables: number,
  root: number,
): Buffer {
  const tables = Buffer.alloc(16);
  tables.writeUInt32LE(pathTables, 0);
  tables.writeUInt32BE(pathTables + 1, 8);
  const escapes = Buffer.alloc(32);
  if (type === 2) escapes.write('%/E', 'latin1');
  return Buffer.concat([
    Buffer.from([type, ...Buffer.from('CD001'), 1, 0]),
    text('', 32),
    text(label, 32),
    Buffer.alloc(8),
    both32(sectors),
    escapes,
    both16(1),
    both16(1),
    both16(SECTOR),
    both32(10),
    tables,
    record({ id: '\0', at: root, size: SECTOR }),
    text('', 128 * 3),
    text(application, 128),
    text('', 37 * 3),
    LONG_DATE,
    LONG_DATE,
    NO_DATE,
    NO_DATE,
    Buffer.from([1, 0]),
  ]);
}

// Rock Ridge entries: two letters, length, version, content.
const entry = (name: string, content: Buffer) =>
  Buffer.concat([Buffer.from(name), Buffer.from([content.length + 4, 1]), content]);
const SP = entry('SP', Buffer.from([0xbe, 0xef, 0]));
const px = (mode: number) => entry('PX', Buffer.concat([both32(mode), both32(1), both32(0), both32(0)]));
const nm = (name: string) => entry('NM', Buffer.concat([Buffer.from([0]), Buffer.from(name)]));
const ce = (at: number, length: number) => entry('CE', Buffer.concat([both32(at), both32(0), both32(length)]));
const RRIP = ((): Buffer => {
  const id = Buffer.from('RRIP_1991A');
  const about = Buffer.from('THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS');
  const source = Buffer.from('SEE PUBLISHER IDENTIFIER IN PRIMARY VOLUME DESCRIPTOR FOR CONTACT INFORMATION');
  return entry('ER', Buffer.concat([Buffer.from([id.length, about.length, source.length, 1]), id, about, source]));
})();
