import { open, type FileHandle } from 'node:fs/promises';
import { fault } from '../../workflows/model/fault.js';

const SECTOR = 2048;
/** Far more than a medium has; a broken one must not be read for ever. */
const MOST_ENTRIES = 20_000;

interface Folder {
  at: number;
  bytes: number;
}

async function read(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const content = Buffer.alloc(bytes);
  const { bytesRead } = await file.read(content, 0, bytes, at * SECTOR);
  if (bytesRead < bytes) throw new Error(`it ends in sector ${at + Math.floor(bytesRead / SECTOR)}`);
  return content;
}

/** Rock Ridge's name of an entry: its NM fields. */
function longName(entry: Buffer, nameEnd: number): string {
  let name = '';
  for (let at = nameEnd + (nameEnd % 2); at + 4 <= entry.length && entry[at + 2]! >= 4; at += entry[at + 2]!)
    if (entry.toString('latin1', at, at + 2) === 'NM') name += entry.toString('utf8', at + 5, at + entry[at + 2]!);
  return name;
}

interface Entry {
  name: string;
  /** Named by Rock Ridge. */
  long: boolean;
  folder: Folder | undefined;
}

function* entriesOf(folder: Buffer, joliet: boolean): Generator<Entry> {
  for (let at = 0; at < folder.length;) {
    const length = folder[at]!;
    // An entry does not cross a sector's end: a zero means the next sector.
    if (length === 0) at = (Math.floor(at / SECTOR) + 1) * SECTOR;
    else {
      const entry = folder.subarray(at, at + length);
      at += length;
      const nameEnd = 33 + entry[32]!;
      const raw = entry.subarray(33, nameEnd);
      if (raw.length === 1 && raw[0]! <= 1) continue;
      const plain = joliet ? Buffer.from(raw).swap16().toString('utf16le') : raw.toString('latin1').toLowerCase();
      const long = joliet ? '' : longName(entry, nameEnd);
      const isFolder = (entry[25]! & 2) !== 0;
      yield {
        name: long || plain.replace(/;\d+$/, '').replace(/\.$/, ''),
        long: long !== '',
        folder: isFolder ? { at: entry.readUInt32LE(2), bytes: entry.readUInt32LE(10) } : undefined,
      };
    }
  }
}

async function rootsOf(file: FileHandle): Promise<{ root: Folder; joliet: boolean }> {
  let plain: Buffer | undefined;
  let joliet: Buffer | undefined;
  for (let at = 16; at < 32; at++) {
    const descriptor = await read(file, at, SECTOR);
    if (descriptor.toString('latin1', 1, 6) !== 'CD001') throw new Error('it is not an ISO 9660 medium');
    if (descriptor[0] === 255) break;
    if (descriptor[0] === 1) plain ??= descriptor;
    if (descriptor[0] === 2 && /^%\/[@CE]/.test(descriptor.toString('latin1', 88, 91))) joliet ??= descriptor;
  }
  if (!plain) throw new Error('it has no primary volume descriptor');
  const rootIn = (descriptor: Buffer) => ({ at: descriptor.readUInt32LE(158), bytes: descriptor.readUInt32LE(166) });
  const root = rootIn(plain);
  const content = await read(file, root.at, root.bytes);
  const rockRidge = [...entriesOf(content, false)].some(({ long }) => long);
  return joliet && !rockRidge ? { root: rootIn(joliet), joliet: true } : { root, joliet: false };
}

/** Paths of all files of an ISO 9660 medium, by their Rock Ridge, else Joliet, else plain names in lower case. */
export async function mediumFiles(path: string): Promise<string[]> {
  const file = await open(path, 'r');
  try {
    const { root, joliet } = await rootsOf(file);
    const files: string[] = [];
    const seen = new Set<number>();
    const walk = async (folder: Folder, prefix: string): Promise<void> => {
      if (seen.has(folder.at) || folder.bytes > 64 << 20) throw new Error('its folders are damaged');
      seen.add(folder.at);
      for (const { name, folder: inner } of entriesOf(await read(file, folder.at, folder.bytes), joliet)) {
        if (inner) await walk(inner, `${prefix}${name}/`);
        else if (files.push(`${prefix}${name}`) > MOST_ENTRIES) throw new Error(`it has more than ${MOST_ENTRIES} files`); // prettier-ignore
      }
    };
    await walk(root, '');
    return files;
  } finally {
    await file.close();
  }
}

/** What nodes take from a medium (`behaviour.md` §6.1); whatever else it holds is optional. */
const WANTED: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['k8s/kubeadm', /^k8s\/kubeadm$/],
  ['k8s/kubelet', /^k8s\/kubelet$/],
  ['k8s/kubectl', /^k8s\/kubectl$/],
  ['cni/cni-plugins-*64.tgz', /^cni\/cni-plugins-.*64\.tgz$/],
  ['cri-tools/crictl-linux-*64.tar.gz', /^cri-tools\/crictl-linux-.*64\.tar\.gz$/],
  ['kubelet.service', /^kubelet\.service$/],
  ['10-kubeadm.conf', /^10-kubeadm\.conf$/],
  ['network.yaml', /^network\.yaml$/],
  ['docker/*.tar', /^docker\/.+\.tar$/],
];

/** Refuses what is not a medium of that Kubernetes version, naming what is missing. */
export async function assertVersionMedium(path: string, from: string, version: string): Promise<void> {
  const refuse = (why: string) => fault('DownloadRefused', `${from} is no Kubernetes medium: ${why}`);
  const files = await mediumFiles(path).catch((error: Error) => {
    throw refuse(error.message);
  });
  const missing = WANTED.filter(([, pattern]) => !files.some((file) => pattern.test(file))).map(([what]) => what);
  if (missing.length > 0)
    throw refuse(`${missing.join(', ')} missing among its ${files.length} files; make one with scripts/create-kubernetes-binaries-iso.sh`); // prettier-ignore
  // Joliet has no colon in names.
  const images = files.map((file) => /^docker\/kube-apiserver[:_]v?(\d[\w.+-]*)\.tar$/.exec(file)?.[1]).filter((each) => each !== undefined); // prettier-ignore
  if (images.length > 0 && !images.includes(version))
    throw fault('DownloadRefused', `${from} is a medium of Kubernetes ${images.join(', ')}: expected ${version}`);
}
