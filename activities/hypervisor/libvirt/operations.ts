import { Disks } from './disks.js';
import { Folders } from './folders.js';
import type { DomainType } from './machine-xml.js';
import { Machines } from './machines.js';
import type { OperationName, Operations, Target } from './protocol.js';
import type { Session } from './session.js';
import type { Store } from './store.js';
import { allAt, firstAt, readXml } from './xml.js';

/** What stays true of a host for as long as it is connected to. */
export interface HostNature {
  type: DomainType;
  arch: string;
}

/** Hardware virtualization where the host has it, unless its URL says otherwise. */
export function natureOf(session: Session, { uri }: Pick<Target, 'uri'>): HostNature {
  const capabilities = readXml(session.call((v) => v.capabilities(session.connection)));
  const arch = firstAt(capabilities, 'host/cpu/arch')?.text ?? 'x86_64';
  if (uri.driver !== 'qemu') return { type: uri.driver, arch };
  const native = allAt(capabilities, 'guest/arch').filter(({ attributes }) => attributes['name'] === arch);
  const hasKvm = native.some((one) => allAt(one, 'domain').some(({ attributes }) => attributes['type'] === 'kvm'));
  return { type: hasKvm && uri.domain !== 'qemu' ? 'kvm' : 'qemu', arch };
}

type Run<N extends OperationName> = (
  host: Machines,
  store: () => Store,
  ...args: Operations[N]['args']
) => Operations[N]['result'];

const TABLE: { [N in Exclude<OperationName, 'facts'>]: Run<N> } = {
  domains: (machines, store) => machines.list(machines.hasFolders ? (name) => inDrive(store(), name) : () => []),
  volumes: (_, store) => store().names(),
  hasImage: (_, store, name) => store().hasImage(name),
  putImage: (_, store, image, path, bytes) => store().putImage(image, path, bytes),
  removeImage: (_, store, name) => store().removeImage(name),
  bridgeInUse: (machines, _, bridge) => machines.bridges().has(bridge),
  putVolume: (_, store, spec) => store().putVolume(spec),
  removeVolume: (_, store, name) => store().removeVolume(name),
  putSeed: (_, store, seed) => store().putSeed(seed),
  removeSeed: (_, store, name) => store().removeSeed(name),
  define: (machines, store, spec) => machines.define(spec, store()),
  start: (machines, _, name) => machines.start(name),
  shutDown: (machines, _, name) => machines.shutDown(name),
  isOff: (machines, _, name) => machines.isOff(name),
  powerOff: (machines, _, name) => machines.powerOff(name),
  adopt: (machines, _, name, id) => machines.adopt(name, id),
  letGo: (machines, _, name, id) => machines.letGo(name, id),
  undefine: (machines, store, name) => {
    machines.undefine(name);
    const here = machines.hasFolders ? store() : undefined;
    if (here instanceof Folders) here.removeDrive(name);
  },
  attach: (machines, store, name, medium) => machines.attach(name, medium, store()),
  detach: (machines, store, name, medium) => machines.detach(name, medium, store()),
  resize: (machines, _, name, size) => machines.resize(name, size),
};

const inDrive = (store: Store, name: string): string[] =>
  store instanceof Folders ? [store.mediumIn(name) ?? []].flat() : [];

/** Runs one operation on a host that is connected to. */
export function operate(
  session: Session,
  target: Target,
  nature: HostNature,
  name: OperationName,
  args: unknown[],
): unknown {
  if (name === 'facts') return factsOf(session, nature);
  let opened: Disks | Folders | undefined;
  const store = () =>
    (opened ??=
      nature.type === 'lxc'
        ? new Folders(session, target.name, target.pool)
        : new Disks(session, target.name, target.pool));
  const machines = new Machines(session, target.name, nature.type, nature.arch);
  try {
    const run = TABLE[name] as (machines: Machines, store: () => Store, ...args: unknown[]) => unknown;
    return run(machines, store, ...args);
  } finally {
    if (opened instanceof Disks) opened.close();
  }
}

function factsOf(session: Session, { type, arch }: HostNature): Operations['facts']['result'] {
  const info: { memory?: number | bigint; cpus?: number } = {};
  session.call((v) => v.nodeInfo(session.connection, info));
  return { hypervisor: type.toUpperCase(), arch, cpus: info.cpus ?? 0, ramMb: Math.floor(Number(info.memory) / 1024) };
}
