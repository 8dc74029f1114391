/**
 * What the simulated zone serves for its hosts to fetch, as a mirror would: media in the layout that nodes install from, as plain
 * ISO 9660, and a template. Every file in them is a line of text, so they are small.
 */
const SECTOR = 2048;
const DESCRIPTOR = 16;
const ROOT = 18;

const filesOf = (version: string): string[] => [
  '10-kubeadm.conf', 'autoscaler.yaml', 'dashboard.yaml', 'kubelet.service', 'manifest.yaml', 'network.yaml', 'provider.yaml', 'snapshot-crds.yaml',
  'cni/cni-plugins-amd64.tgz', 'cri-tools/crictl-linux-amd64.tar.gz', `docker/kube-apiserver:v${version}.tar`, 'etcd/etcd-linux-amd64.tar.gz',
  'k8s/kubeadm', 'k8s/kubectl', 'k8s/kubelet',
]; // prettier-ignore

interface Entry {
  name: string;
  at: number;
  bytes: number;
  folder?: true;
}

/** The medium of a Kubernetes version. The same version always gives the same bytes. */
export function mediumOf(version: string): Buffer {
  const files = filesOf(version);
  const folders = [...new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0]!))];
  const sectors = [...Array<Buffer>(DESCRIPTOR).fill(Buffer.alloc(SECTOR)), Buffer.alloc(SECTOR), Buffer.alloc(SECTOR)];
  const root: Entry = { name: '\0', at: ROOT, bytes: SECTOR, folder: true };
  const at = (folder: string) => (folder === '' ? ROOT : ROOT + 1 + folders.indexOf(folder));
  const first = ROOT + 1 + folders.length;
  const texts = files.map((file) => Buffer.from(`Simulated: ${file} of Kubernetes ${version}\n`));
  for (const folder of ['', ...folders]) {
    const inner = files.flatMap((file, i): Entry[] => {
      const [name = '', of = ''] = file.split('/').reverse();
      return of === folder ? [{ name: `${name.toUpperCase()};1`, at: first + i, bytes: texts[i]!.length }] : [];
    });
    const below = folder === '' ? folders : [];
    const entries: Entry[] = [
      { ...root, at: at(folder) },
      { ...root, name: '\x01' },
      ...inner,
      ...below.map((name): Entry => ({ name: name.toUpperCase(), at: at(name), bytes: SECTOR, folder: true })),
    ];
    sectors.push(padded(Buffer.concat(entries.map(record))));
  }
  sectors.push(...texts.map(padded));
  const image = Buffer.concat(sectors);
  descriptor(sectors.length, root).copy(image, DESCRIPTOR * SECTOR);
  Buffer.from('\xffCD001\x01', 'latin1').copy(image, (DESCRIPTOR + 1) * SECTOR);
  return image;
}

const padded = (content: Buffer): Buffer => Buffer.concat([content, Buffer.alloc(SECTOR - content.length)]);

/** Numbers are written in both orders of bytes. */
function put(to: Buffer, at: number, number: number): void {
  to.writeUInt32LE(number, at);
  to.writeUInt32BE(number, at + 4);
}

function record({ name, at, bytes, folder }: Entry): Buffer {
  const entry = Buffer.alloc(33 + name.length + ((name.length + 1) % 2));
  entry[0] = entry.length;
  put(entry, 2, at);
  put(entry, 10, bytes);
  entry[25] = folder ? 2 : 0;
  entry.writeUInt16LE(1, 28);
  entry.writeUInt16BE(1, 30);
  entry[32] = name.length;
  entry.write(name, 33, 'latin1');
  return entry;
}

function descriptor(sectors: number, root: Entry): Buffer {
  const volume = Buffer.alloc(SECTOR);
  volume.write('\x01CD001\x01', 0, 'latin1');
  volume.write('CDROM'.padEnd(32), 40, 'latin1');
  put(volume, 80, sectors);
  for (const [at, number] of [[120, 1], [124, 1], [128, SECTOR]] as const) {
    volume.writeUInt16LE(number, at);
    volume.writeUInt16BE(number, at + 2);
  } // prettier-ignore
  record(root).copy(volume, 156);
  volume[881] = 1;
  return volume;
}

/** The file behind a path; undefined when the zone serves none there. */
export function imageAt(path: string): Buffer | undefined {
  const version = /^\/isos\/v(\d+\.\d+\.\d+)\.iso$/.exec(path)?.[1];
  if (version !== undefined) return mediumOf(version);
  return /^\/templates\/[\w.-]+\.qcow2$/.test(path)
    ? Buffer.from('QFI\xfb Simulated: no disk.\n', 'latin1')
    : undefined;
}
