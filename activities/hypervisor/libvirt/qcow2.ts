import { closeSync, openSync, readSync } from 'node:fs';
import { refused } from './host-fault.js';

export const HEADER_BYTES = 512;

/** Bytes that the disk in this image has; undefined when it is no qcow2 (QEMU docs/interop/qcow2.txt). */
export const qcow2Capacity = (header: Buffer): number | undefined =>
  isQcow2(header) ? Number(header.readBigUInt64BE(24)) : undefined;

const isQcow2 = (header: Buffer) =>
  header.length >= 80 && header.toString('latin1', 0, 4) === 'QFI\xfb' && [2, 3].includes(header.readUInt32BE(4));

/** Refuses what does not start as its format says, and a qcow2 that would make the host read another file. */
export function checkDiskFile(what: string, path: string, format: 'qcow2' | 'raw'): void {
  if (format === 'raw') return;
  const header = Buffer.alloc(HEADER_BYTES);
  const file = openSync(path, 'r');
  try {
    readSync(file, header, 0, HEADER_BYTES, 0);
  } finally {
    closeSync(file);
  }
  if (!isQcow2(header)) throw refused(`${what} is registered as QCOW2, and its file is none`);
  if (header.readBigUInt64BE(8) !== 0n)
    throw refused(`${what} has a backing file: only images that stand alone are taken`);
  const incompatible = header.readUInt32BE(4) === 3 ? header.readBigUInt64BE(72) : 0n;
  if ((incompatible & 4n) !== 0n)
    throw refused(`${what} keeps its data in another file: only images that stand alone are taken`);
}
