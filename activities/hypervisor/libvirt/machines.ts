import path from 'node:path';
import type { DomainFacts, DomainState } from '../driver.js';
import { adopt, letGo } from './adoption.js';
import { Folders } from './folders.js';
import { type HostFault, failed, refused } from './host-fault.js';
import type { DomainPtr } from './library.js';
import {
  bridgesIn, type DomainType, type Drive, drivesIn, DRIVES_PER_MACHINE, driveXml, fingerprint, folderXml, foldersIn, machineXml, type MachineParts,
  markOf, SEED_AT,
} from './machine-xml.js'; // prettier-ignore
import type { BridgedSpec } from './protocol.js';
import { CODE, isLibvirt, LibvirtError, type Session } from './session.js';
import { isImage, type Place, type Store } from './store.js';
import { allAt, firstAt, readXml, textAt, writeXml, type Xml } from './xml.js';

const LIVE = 1;
const CONFIG = 2;
const FORCE = 4;
const INACTIVE = 2;
/** Managed save, snapshot and checkpoint metadata, NVRAM, TPM state: with the domain goes all that it alone used. */
const UNDEFINE_ALL = 1 | 2 | 4 | 16 | 32;
const OFF = new Set([0, 5, 6]);
const PAUSED = 3;

/** Programs that a container may start with, the first that its root has. */
const INITS = ['/sbin/cks-init', '/cks-init', '/sbin/init', '/init'];

/** The domains of this service on one host. A domain of the same name that is not this service's is never touched. */
export class Machines {
  constructor(
    private readonly session: Session,
    private readonly host: string,
    private readonly type: DomainType,
    private readonly arch: string,
  ) {}

  /** A container has folders where a virtual machine has disks and drives. */
  get hasFolders(): boolean {
    return this.type === 'lxc';
  }

  list(media: (name: string) => string[]): DomainFacts[] {
    const all = this.session.eachDomain((domain): DomainFacts | undefined => {
      try {
        const described = this.describe(domain, INACTIVE);
        const mark = markOf(described);
        const name = textAt(described, 'name') ?? '';
        if (!mark) return undefined;
        const vcpu = firstAt(described, 'vcpu');
        return {
          name,
          clusterId: mark.cluster,
          machineId: mark.id,
          state: this.stateOf(domain),
          media: [...mediaIn(described), ...media(name)],
          cpus: Number(vcpu?.attributes['current'] ?? vcpu?.text ?? 0),
          ramMb: Math.round(kib(described, 'currentMemory') / 1024),
        };
      } catch (error) {
        // Removed between the list and the look.
        if (isLibvirt(error, CODE.noDomain)) return undefined;
        throw error;
      }
    });
    return all.filter((one): one is DomainFacts => one !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  bridges(): Set<string> {
    return new Set(this.session.eachDomain((domain) => bridgesIn(this.describe(domain, INACTIVE))).flat());
  }

  define(spec: BridgedSpec, store: Store): void {
    const parts = this.partsOf(spec, store);
    const existing = this.session.withDomain(spec.name, (domain) => {
      const described = this.assertOurs(domain, spec.name, spec.machineId);
      const inside = [...mediaIn(described), ...(store instanceof Folders ? [store.mediumIn(spec.name) ?? ''] : [])];
      const isSame =
        markOf(described)?.made === fingerprint(spec, parts) && spec.media.every((medium) => inside.includes(medium));
      return this.stateOf(domain) === 'running' || isSame;
    });
    if (existing) return;
    if (store instanceof Folders) store.insert(spec.name, spec.media.find(isImage));
    try {
      const domain = this.session.call((v) =>
        v.domainDefine(this.session.connection, writeXml(machineXml(spec, parts))),
      );
      this.session.v.domainFree(domain);
    } catch (error) {
      if (isLibvirt(error, CODE.exists))
        throw refused(
          `host ${this.host} has another domain with the name ${spec.name} or the UUID ${spec.machineId}: rename or remove it, then try again (libvirt: ${error.message})`,
        );
      throw error;
    }
  }

  start(name: string): void {
    this.onOurs(name, (domain) => {
      const state = this.rawState(domain);
      if (OFF.has(state))
        this.unlessDone(
          () => this.session.call((v) => v.domainCreate(domain)),
          () => !OFF.has(this.rawState(domain)),
        );
      else if (state === PAUSED)
        this.unlessDone(
          () => this.session.call((v) => v.domainResume(domain)),
          () => this.rawState(domain) !== PAUSED,
        );
      this.autostart(domain, 1);
      if (this.stateOf(domain) !== 'running') throw failed(`${name} on host ${this.host} ended right after its start`);
    });
  }

  shutDown(name: string): boolean {
    return this.onOurs(name, (domain) => {
      this.autostart(domain, 0);
      if (this.stateOf(domain) === 'shut off') return true;
      try {
        this.session.call((v) => v.domainShutdown(domain));
        return false;
      } catch (error) {
        if (error instanceof LibvirtError) return true;
        throw error;
      }
    });
  }

  isOff(name: string): boolean {
    return this.onOurs(name, (domain) => this.stateOf(domain) === 'shut off');
  }

  powerOff(name: string): void {
    this.onOurs(name, (domain) => this.destroy(domain));
  }

  undefine(name: string): void {
    this.session.withDomain(name, (domain) => {
      this.assertMade(domain, name);
      this.destroy(domain);
      try {
        this.session.call((v) =>
          v.domainUndefine(domain, this.type === 'lxc' ? 0 : this.type === 'test' ? 3 : UNDEFINE_ALL),
        );
      } catch (error) {
        if (!isLibvirt(error, CODE.noDomain)) throw error;
      }
    });
    if (this.session.withDomain(name, () => true))
      throw failed(`${name} is still on host ${this.host} after it was removed`);
  }

  adopt = (name: string, machineId: string): void => adopt(this.session, this.host, this.type, name, machineId);
  letGo = (name: string, machineId: string): void => letGo(this.session, name, machineId);

  /** Both what the domain has now and what it starts with are changed, and read back. */
  attach(name: string, medium: string, store: Store): void {
    const from = store.medium(medium);
    this.onOurs(name, (domain) => {
      if (store instanceof Folders) return this.attachFolder(domain, name, medium, from.path, store);
      this.eachState(domain, (described, flag) => {
        const drives = drivesIn(described);
        if (drives.some((drive) => drive.medium === from.path)) return;
        const free = drives.find((drive) => drive.medium === undefined);
        if (!free)
          throw refused(
            `all ${drives.length} drives of ${name} on host ${this.host} are in use; no place for ${medium}`,
          );
        this.changeDrive(domain, free, from, flag);
      });
      this.confirm(domain, `${medium} to be in a drive of ${name}`, (described) => mediaIn(described).includes(medium));
    });
  }

  /** A container keeps its seed's folder until its next start; nothing is in it once the seed is deleted. */
  detach(name: string, medium: string, store: Store): void {
    this.session.withDomain(name, (domain) => {
      this.assertOurs(domain, name);
      if (store instanceof Folders) return this.detachFolder(domain, name, medium, store);
      this.eachState(domain, (described, flag) => {
        const drive = drivesIn(described).find(
          (one) => one.medium !== undefined && path.basename(one.medium) === medium,
        );
        if (!drive) return;
        this.changeDrive(domain, drive, undefined, flag);
      });
      this.confirm(
        domain,
        `${medium} to be out of the drives of ${name}`,
        (described) => !mediaIn(described).includes(medium),
      );
    });
  }

  resize(name: string, { cpus, ramMb }: { cpus: number; ramMb: number }): void {
    this.onOurs(name, (domain) => {
      const described = this.describe(domain, INACTIVE);
      const mostCpus = Number(textAt(described, 'vcpu'));
      const mostMb = kib(described, 'memory') / 1024;
      if (cpus > mostCpus || ramMb > mostMb)
        throw refused(
          `${name} on host ${this.host} can have at most ${mostCpus} CPUs and ${mostMb} MB, asked for were ${cpus} and ${ramMb}: it has to be defined anew for more`,
        );
      const running = this.stateOf(domain) === 'running';
      if (this.type === 'lxc') this.setContainerCpus(domain, cpus);
      else
        for (const flag of running ? [LIVE, CONFIG] : [CONFIG])
          if (this.session.call((v) => v.domainVcpus(domain, flag)) !== cpus)
            this.session.call((v) => v.domainSetVcpus(domain, cpus, flag));
      for (const flag of running ? [LIVE, CONFIG] : [CONFIG])
        if (kib(this.describe(domain, flag === LIVE ? 0 : INACTIVE), 'currentMemory') !== ramMb * 1024)
          this.session.call((v) => v.domainSetMemory(domain, ramMb * 1024, flag));
      this.confirm(domain, `${name} to have ${cpus} CPUs`, (now, live) => live || cpusOf(now) === cpus, 1);
    });
  }

  private partsOf(spec: BridgedSpec, store: Store): MachineParts {
    const root = store.root(spec.volume);
    const media = spec.media.map((name) => ({ name, ...store.medium(name) }));
    if (!(store instanceof Folders)) {
      if (media.length > DRIVES_PER_MACHINE)
        throw refused(`${spec.name} has ${DRIVES_PER_MACHINE} drives, and ${media.length} media were given`);
      return { type: this.type, arch: this.arch, root, media };
    }
    const seeds = media.filter(({ name }) => !isImage(name));
    if (seeds.length > 1 || media.length - seeds.length > 1)
      throw refused(
        `${spec.name} is a container: it takes one seed and one medium, and ${spec.media.join(', ')} were given`,
      );
    const init = INITS.find((file) => store.holdsProgram(spec.volume, file));
    if (!init) throw refused(`the root of ${spec.name} has none of ${INITS.join(', ')} to start with`);
    return { type: this.type, arch: this.arch, root, media: seeds, init, drive: store.drive(spec.name) };
  }

  private attachFolder(domain: DomainPtr, name: string, medium: string, from: string, store: Folders): void {
    if (isImage(medium)) {
      const inside = store.mediumIn(name);
      if (inside !== undefined && inside !== medium)
        throw refused(
          `the drive of ${name} on host ${this.host} holds ${inside}; take it out before ${medium} is put in`,
        );
      return store.insert(name, medium);
    }
    const described = this.describe(domain, INACTIVE);
    if (foldersIn(described).some((one) => one.from === from)) return;
    firstAt(described, 'devices')?.children.push(folderXml(from, SEED_AT, true));
    this.redefine(described);
  }

  private detachFolder(domain: DomainPtr, name: string, medium: string, store: Folders): void {
    if (isImage(medium)) {
      if (store.mediumIn(name) === medium) store.insert(name, undefined);
      return;
    }
    const described = this.describe(domain, INACTIVE);
    const devices = firstAt(described, 'devices');
    const seed = allAt(devices, 'filesystem').find((one) => {
      const from = firstAt(one, 'source')?.attributes['dir'] ?? '';
      return firstAt(one, 'target')?.attributes['dir'] === SEED_AT && path.basename(from) === medium;
    });
    if (!seed || !devices) return;
    devices.children = devices.children.filter((one) => one !== seed);
    this.redefine(described);
  }

  private setContainerCpus(domain: DomainPtr, cpus: number): void {
    const described = this.describe(domain, INACTIVE);
    const vcpu = firstAt(described, 'vcpu');
    if (!vcpu || cpusOf(described) === cpus) return;
    vcpu.attributes['current'] = String(cpus);
    this.redefine(described);
  }

  private redefine(described: Xml): void {
    const domain = this.session.call((v) => v.domainDefine(this.session.connection, writeXml(described)));
    this.session.v.domainFree(domain);
  }

  private onOurs<T>(name: string, use: (domain: DomainPtr) => T): T {
    let result: { value: T } | undefined;
    this.session.withDomain(name, (domain) => {
      this.assertOurs(domain, name);
      result = { value: use(domain) };
    });
    if (!result)
      throw refused(
        `host ${this.host} has no domain ${name}: it was removed there. A node is made anew by replaceKubernetesNode`,
        { host: this.host, domain: name },
      );
    return result.value;
  }

  private assertOurs(domain: DomainPtr, name: string, id?: string): Xml {
    const described = this.describe(domain, INACTIVE);
    const mark = markOf(described);
    const uuid = textAt(described, 'uuid');
    if (!mark || mark.domain !== uuid || (id !== undefined && id !== mark.id)) throw this.foreign(name);
    return described;
  }

  private assertMade(domain: DomainPtr, name: string): void {
    const mark = markOf(this.assertOurs(domain, name));
    if (mark?.id !== mark?.domain) throw refused(`domain ${name} on host ${this.host} was imported: it is not removed`);
  }

  private foreign(name: string): HostFault {
    return refused(
      `host ${this.host} has a domain ${name} that this service did not make: rename or remove it (virsh domrename ${name} NEW), then try again`,
      { host: this.host, domain: name },
    );
  }

  private describe(domain: DomainPtr, flags: number): Xml {
    return readXml(this.session.call((v) => v.domainXml(domain, flags)));
  }

  private rawState(domain: DomainPtr): number {
    const state: [number] = [0];
    this.session.call((v) => v.domainState(domain, state, [0], 0));
    return state[0];
  }
  private stateOf(domain: DomainPtr): DomainState {
    return OFF.has(this.rawState(domain)) ? 'shut off' : 'running';
  }

  private destroy(domain: DomainPtr): void {
    if (this.stateOf(domain) === 'running')
      this.unlessDone(
        () => this.session.call((v) => v.domainDestroy(domain)),
        () => this.stateOf(domain) === 'shut off',
      );
  }

  private autostart(domain: DomainPtr, on: 0 | 1): void {
    const found: [number] = [0];
    this.session.call((v) => v.domainAutostart(domain, found));
    if (found[0] !== on) this.session.call((v) => v.domainSetAutostart(domain, on));
  }

  /** Another call may have been first: an error counts only when the wanted state is not there. */
  private unlessDone(act: () => unknown, isDone: () => boolean): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof LibvirtError)) throw error;
      try {
        if (isDone()) return;
      } catch (later) {
        if (!(later instanceof LibvirtError)) throw later;
      }
      throw error;
    }
  }

  /**
   * The guest opens and locks its trays as it likes, so a change is tried again, by force, which loses nothing: drives are only
   * read. A guest that resets its drives closes an open tray, of which libvirt (9.0) is not told: from then on it takes the tray for
   * open and fails each time, until QEMU itself opens it.
   */
  private changeDrive(
    domain: DomainPtr,
    { target, bus, device }: Drive,
    medium: Place | undefined,
    flag: number,
  ): void {
    const wanted = writeXml(driveXml(target, bus, medium));
    for (let tries = 1; ; tries++)
      try {
        this.session.call((v) => v.domainUpdateDevice(domain, wanted, tries === 1 ? flag : flag | FORCE));
        return;
      } catch (error) {
        if (!(error instanceof LibvirtError) || flag !== LIVE || tries === 6) throw error;
        this.session.sleep(300);
        if (device !== undefined && /tray/i.test(error.message)) this.openTray(domain, device);
      }
  }

  private openTray(domain: DomainPtr, device: string): void {
    const command = JSON.stringify({ execute: 'blockdev-open-tray', arguments: { id: device, force: true } });
    try {
      this.session.call((v) => v.qemuCommand(domain, command));
    } catch (error) {
      // The change is tried again all the same, and its error says more.
      if (!(error instanceof LibvirtError)) throw error;
    }
  }

  /** What the domain has while it runs, and what it starts with, are two things: both are changed. */
  private eachState(domain: DomainPtr, change: (described: Xml, flag: number) => void): void {
    if (this.stateOf(domain) === 'running') change(this.describe(domain, 0), LIVE);
    change(this.describe(domain, INACTIVE), CONFIG);
  }

  /** libvirt may answer before the guest has let go: the description is read until it says so. */
  private confirm(domain: DomainPtr, what: string, isSo: (described: Xml, live: boolean) => boolean, looks = 20): void {
    for (let left = looks; ; left--) {
      const running = this.stateOf(domain) === 'running';
      if (isSo(this.describe(domain, INACTIVE), false) && (!running || isSo(this.describe(domain, 0), true))) return;
      if (left <= 1) throw failed(`host ${this.host} did not bring about ${what}`);
      this.session.sleep(250);
    }
  }
}

const kib = (described: Xml, at: string): number => {
  const found = firstAt(described, at);
  const unit = found?.attributes['unit'] ?? 'KiB';
  const factor = { b: 1 / 1024, bytes: 1 / 1024, KiB: 1, k: 1, MiB: 1024, GiB: 1024 ** 2 }[unit];
  if (factor === undefined) throw failed(`libvirt gives ${at} in ${unit}`);
  return Number(found?.text ?? 0) * factor;
};
const cpusOf = (described: Xml): number => {
  const vcpu = firstAt(described, 'vcpu');
  return Number(vcpu?.attributes['current'] ?? vcpu?.text ?? 0);
};
const mediaIn = (described: Xml): string[] => [
  ...drivesIn(described).flatMap(({ medium }) => (medium === undefined ? [] : path.basename(medium))),
  ...foldersIn(described).flatMap(({ from, to }) => (to === SEED_AT ? path.basename(from) : [])),
];
