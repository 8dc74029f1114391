import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { FetchedImage, Hypervisor, ImageSpec } from '../../activities/hypervisor/driver.js';
import { type ChildrenOptions, LibvirtChildren } from '../../activities/hypervisor/libvirt/children.js';
import { libvirtHypervisor, type HostFabric } from '../../activities/hypervisor/libvirt/index.js';
import { writeIso } from '../../activities/hypervisor/libvirt/iso-writer.js';
import type { Target } from '../../activities/hypervisor/libvirt/protocol.js';
import { parseHostUri } from '../../activities/hypervisor/libvirt/uri.js';
import { makeDisk, makeRoot, PrivateLibvirt } from './private-libvirt.js';

export const targetOf = (url: string, rest: Partial<Target> = {}): Target => ({
  name: 'host-1',
  key: url,
  uri: parseHostUri(url),
  files: {},
  hostKey: undefined,
  pool: 'default',
  ...rest,
});

const bridged: HostFabric = {
  bridge: () => 'cksbr0',
  ensure: () => Promise.resolve(),
  absent: () => Promise.resolve(),
};

export const hypervisorAt = (
  children: LibvirtChildren,
  target: Target,
  { fabric = bridged, signal }: { fabric?: HostFabric; signal?: () => AbortSignal } = {},
): Hypervisor => libvirtHypervisor(children, () => Promise.resolve({ target, fabric }), signal);

export const TEMPLATES = {
  qemu: { kind: 'TEMPLATE', id: 'empty', url: '', checksum: null, format: 'QCOW2' },
  lxc: { kind: 'TEMPLATE', id: 'busybox', url: '', checksum: null, format: 'TAR' },
} as const satisfies Record<string, ImageSpec>;
export const MEDIUM: ImageSpec = { kind: 'ISO', id: 'v1', url: '', checksum: null, format: 'ISO' };

/** A private libvirtd with the files that tests put on it. */
export interface LibvirtBed {
  libvirt: PrivateLibvirt;
  children: LibvirtChildren;
  driver: Hypervisor;
  template: ImageSpec;
  file: (image: ImageSpec) => Promise<FetchedImage>;
  stop(): Promise<void>;
}

function fetched(file: string): FetchedImage {
  const content = readFileSync(file);
  return { path: file, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}

export async function startBed(kind: 'qemu' | 'lxc', options: ChildrenOptions = {}): Promise<LibvirtBed> {
  const libvirt = await PrivateLibvirt.start();
  const folder = path.join(libvirt.dir, 'files');
  mkdirSync(folder);
  const medium = path.join(folder, 'v1.iso');
  writeFileSync(
    medium,
    writeIso({ label: 'CDROM', application: 'TEST', files: { 'version.txt': 'v1', 'kubeadm-config.yaml': 'a: 1\n' } }),
  );
  const template = kind === 'qemu' ? makeDisk(folder) : makeRoot(folder);
  const children = new LibvirtChildren(options);
  return {
    libvirt,
    children,
    driver: hypervisorAt(children, targetOf(libvirt.url(kind))),
    template: TEMPLATES[kind],
    file: async ({ kind }) => fetched(kind === 'ISO' ? medium : template),
    async stop() {
      await children.close();
      await libvirt.stop();
    },
  };
}
