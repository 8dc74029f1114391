import { createHash } from 'node:crypto';
import type { BridgedSpec } from './protocol.js';
import type { Place } from './store.js';
import { allAt, firstAt, xml, type Xml } from './xml.js';

export type DomainType = 'kvm' | 'qemu' | 'lxc' | 'test';

/** Namespace of the element that marks a domain as this service's. */
export const NAMESPACE = 'urn:cks:machine:1';
/** Namespace of what is told to libvirt's QEMU driver past its own description. */
const QEMU_NAMESPACE = 'http://libvirt.org/schemas/domain/qemu/1.0';
/** IDE, since the kernels of Debian's cloud images drive it and no SATA; the first is where media are put first. */
const DRIVES: Record<string, { bus: string; targets: readonly string[] }> = {
  x86_64: { bus: 'ide', targets: ['hdc', 'hdd', 'hda'] },
  other: { bus: 'scsi', targets: ['sda', 'sdb', 'sdc'] },
};
const drivesOf = (arch: string) => DRIVES[arch] ?? DRIVES['other']!;

/** Where a container finds its seed and its medium. */
export const SEED_AT = '/var/lib/cloud/seed/nocloud';
export const DRIVE_AT = '/mnt/k8sdisk';

export interface Medium extends Place {
  name: string;
}
export interface MachineParts {
  type: DomainType;
  arch: string;
  root: Place;
  media: Medium[];
  /** Containers: the first program, and the folder that is their drive. */
  init?: string;
  drive?: string;
}

/** Whether a domain that exists is what is wanted: its metadata holds this of what it was made from. */
export const fingerprint = (spec: BridgedSpec, { type, init }: MachineParts): string =>
  createHash('sha256')
    .update(JSON.stringify([3, type, init ?? '', Object.entries(spec).sort(([a], [b]) => (a < b ? -1 : 1))]))
    .digest('hex')
    .slice(0, 16);

export const machineXml = (spec: BridgedSpec, parts: MachineParts): Xml =>
  xml('domain', { type: parts.type, 'xmlns:qemu': readsCpuAtOnce(parts) ? QEMU_NAMESPACE : undefined }, [
    xml('name', {}, spec.name),
    xml('uuid', {}, spec.machineId),
    xml('title', {}, spec.hostName),
    xml('metadata', {}, [
      xml('cks:machine', {
        'xmlns:cks': NAMESPACE,
        cluster: spec.clusterId,
        id: spec.machineId,
        host: spec.hostName,
        made: fingerprint(spec, parts),
      }),
    ]),
    xml('memory', { unit: 'KiB' }, spec.maxRamMb * 1024),
    xml('currentMemory', { unit: 'KiB' }, spec.ramMb * 1024),
    xml('vcpu', { placement: 'static', current: spec.cpus < spec.maxCpus ? spec.cpus : undefined }, spec.maxCpus),
    ...(parts.type === 'lxc' ? container(spec, parts) : virtualMachine(spec, parts)),
    readsCpuAtOnce(parts) &&
      xml('qemu:capabilities', {}, [xml('qemu:del', { capability: 'cpu-unavailable-features' })]),
  ]);

/**
 * At each start libvirt asks QEMU for some 400 properties of the guest's CPU one by one, which takes three times as long as all else of
 * the start. Without this capability it asks for the same as two tables. Nothing of ours reads the CPU of an emulated guest; a
 * guest on real CPUs is left as libvirt has it.
 */
const readsCpuAtOnce = ({ type, arch }: MachineParts): boolean => type === 'qemu' && arch === 'x86_64';

function virtualMachine(spec: BridgedSpec, { type, arch, root, media }: MachineParts): Xml[] {
  const isPc = arch === 'x86_64';
  const { bus, targets } = drivesOf(arch);
  return [
    xml('os', isPc ? {} : { firmware: 'efi' }, [
      xml('type', { arch, machine: isPc ? 'pc' : 'virt' }, 'hvm'),
      xml('boot', { dev: 'hd' }),
    ]),
    xml('features', {}, [xml('acpi'), isPc && xml('apic')]),
    ...(type === 'kvm' ? [xml('cpu', { mode: 'host-passthrough' })] : []),
    xml('clock', { offset: 'utc' }),
    xml('on_poweroff', {}, 'destroy'),
    xml('on_reboot', {}, 'restart'),
    xml('on_crash', {}, 'restart'),
    xml('devices', {}, [
      xml('disk', { type: diskType(root), device: 'disk' }, [
        xml('driver', { name: 'qemu', type: root.kind === 'file' ? 'qcow2' : 'raw', discard: 'unmap' }),
        sourceXml(root),
        xml('target', { dev: 'vda', bus: 'virtio' }),
      ]),
      // libvirt adds one where none is refused. No node needs it, and the firmware takes longer over it than over all else.
      xml('controller', { type: 'usb', model: 'none' }),
      bus === 'scsi' && xml('controller', { type: 'scsi', model: 'virtio-scsi' }),
      ...targets.map((target, i) => driveXml(target, bus, media[i])),
      networkCard(spec, xml('model', { type: 'virtio' }), xml('rom', { enabled: 'no' })),
      xml('serial', { type: 'pty' }),
      xml('console', { type: 'pty' }),
      xml('channel', { type: 'unix' }, [xml('target', { type: 'virtio', name: 'org.qemu.guest_agent.0' })]),
      xml('rng', { model: 'virtio' }, [xml('backend', { model: 'random' }, '/dev/urandom')]),
      xml('memballoon', { model: 'virtio' }),
    ]),
  ];
}

const networkCard = ({ bridge, macAddress }: BridgedSpec, ...rest: Xml[]) =>
  xml('interface', { type: 'bridge' }, [xml('mac', { address: macAddress }), xml('source', { bridge }), ...rest]);

const diskType = ({ kind }: Place) => (kind === 'rbd' ? 'network' : kind);
const sourceXml = ({ kind, path, source = [] }: Place): Xml =>
  kind === 'rbd'
    ? xml('source', { protocol: 'rbd', name: path }, source)
    : xml('source', kind === 'file' ? { file: path } : { dev: path });

export const driveXml = (target: string, bus: string, medium: Place | undefined): Xml =>
  xml('disk', { type: medium ? diskType(medium) : 'file', device: 'cdrom' }, [
    xml('driver', { name: 'qemu', type: 'raw' }),
    medium && sourceXml(medium),
    xml('target', { dev: target, bus }),
    xml('readonly'),
  ]);

/** `privnet` keeps the machine's own network away even from a container without a card; what kubeadm needs of root is allowed. */
function container(spec: BridgedSpec, { arch, root, media, init, drive }: MachineParts): Xml[] {
  return [
    xml('os', {}, [xml('type', { arch }, 'exe'), xml('init', {}, init ?? '/sbin/init')]),
    xml('features', {}, [xml('privnet'), xml('capabilities', { policy: 'allow' })]),
    xml('clock', { offset: 'utc' }),
    xml('on_poweroff', {}, 'destroy'),
    xml('on_reboot', {}, 'restart'),
    xml('on_crash', {}, 'destroy'),
    xml('devices', {}, [
      folderXml(root.path, '/', false),
      drive !== undefined && folderXml(drive, DRIVE_AT, true),
      ...media.map(({ path }) => folderXml(path, SEED_AT, true)),
      networkCard(spec, xml('guest', { dev: 'eth0' })),
      xml('hostdev', { mode: 'capabilities', type: 'misc' }, [xml('source', {}, [xml('char', {}, '/dev/kmsg')])]),
      xml('console', { type: 'pty' }),
    ]),
  ];
}

export const folderXml = (from: string, to: string, readonly: boolean): Xml =>
  xml('filesystem', { type: 'mount', accessmode: 'passthrough' }, [
    xml('source', { dir: from }),
    xml('target', { dir: to }),
    readonly && xml('readonly'),
  ]);

/** Of a domain that somebody else made; it keeps its UUID. libvirt adds the namespace. */
export const adoptionXml = (id: string, domain: string): Xml => xml('machine', { id, domain });

export interface MachineMark {
  cluster: string;
  id: string;
  made: string;
  /** UUID of the domain that was marked: the id of a machine that this service made. */
  domain: string;
}
/** Undefined for a domain that this service neither made nor took over. */
export function markOf(domain: Xml): MachineMark | undefined {
  const found = allAt(domain, 'metadata')
    .flatMap(({ children }) => children)
    .find(({ name, attributes }) => name.endsWith(':machine') && Object.values(attributes).includes(NAMESPACE));
  const { id, cluster = '', made = '', domain: uuid = id } = found?.attributes ?? {};
  return id === undefined ? undefined : { id, cluster, made, domain: uuid! };
}

export interface Drive {
  target: string;
  bus: string;
  /** Path of what is in it. */
  medium: string | undefined;
  /** QEMU's name for it, of a domain that runs. */
  device: string | undefined;
}
const pathIn = (source: Xml | undefined) => {
  const { file, dev, name } = source?.attributes ?? {};
  return file ?? dev ?? name;
};
/** In the order in which media are put in. */
export function drivesIn(domain: Xml): Drive[] {
  const found = allAt(domain, 'devices/disk')
    .filter(({ attributes }) => attributes['device'] === 'cdrom')
    .map((disk) => {
      const { dev = '', bus = '' } = firstAt(disk, 'target')?.attributes ?? {};
      return {
        target: dev,
        bus,
        medium: pathIn(firstAt(disk, 'source')),
        device: firstAt(disk, 'alias')?.attributes['name'],
      };
    });
  const order = Object.values(DRIVES).flatMap(({ targets }) => targets);
  return found.sort((a, b) => order.indexOf(a.target) - order.indexOf(b.target));
}
export const DRIVES_PER_MACHINE = 3;

/** Folders that a container sees, by where. */
export const foldersIn = (domain: Xml): { from: string; to: string }[] =>
  allAt(domain, 'devices/filesystem').map((one) => ({
    from: firstAt(one, 'source')?.attributes['dir'] ?? '',
    to: firstAt(one, 'target')?.attributes['dir'] ?? '',
  }));

export const bridgesIn = (domain: Xml): string[] =>
  allAt(domain, 'devices/interface/source').flatMap(({ attributes }) => attributes['bridge'] ?? []);
