import { closeSync, openSync, readSync } from 'node:fs';
import { imageName, type SeedMedium, type VolumeSpec } from '../driver.js';
import { saysFull } from './errors.js';
import { HostFault, failed, refused } from './host-fault.js';
import { isoApplication, writeIso } from './iso-writer.js';
import type { VolumePtr } from './library.js';
import { openPool, type Pool } from './pool.js';
import { checkDiskFile, HEADER_BYTES, qcow2Capacity } from './qcow2.js';
import { CODE, isLibvirt, type Session } from './session.js';
import { GIB, IMAGE_VOLUME, inGb, MACHINE_VOLUME, type NewImage, type Place, type Store } from './store.js';
import { cloneVolume, emptyVolume, overlayVolume, type DiskFormat } from './volume-xml.js';
import { readXml, textAt } from './xml.js';

const SEED_LIMIT = 1 << 22;
/** Header and tables of an overlay without content. */
const OVERLAY_LEAST = 1 << 18;
const FORMATS = ['qcow2', 'raw', 'iso'] as const;
type Format = (typeof FORMATS)[number];

/**
 * Disks and drives in a pool of a host. Beside an image stands an empty volume that says what it is: `<image>.<format>` once it is
 * whole, `<image>.<format>.part` while it comes. So an upload that was cut off is begun again, and an image that somebody else
 * put there is left alone.
 */
export class Disks implements Store {
  private readonly pool: Pool;
  constructor(
    private readonly session: Session,
    private readonly host: string,
    poolName: string,
  ) {
    this.pool = openPool(session, host, poolName);
  }
  close(): void {
    this.pool.close();
  }

  names(): string[] {
    const all = new Set(this.pool.names());
    const isMarked = (name: string) =>
      FORMATS.some((format) => all.has(mark(name, format)) || all.has(part(name, format)));
    return [...all].filter((name) => MACHINE_VOLUME.test(name) || (IMAGE_VOLUME.test(name) && isMarked(name))).sort();
  }

  hasImage(name: string): boolean {
    return this.formatOf(name) !== undefined && this.pool.has(name);
  }

  putImage({ kind, id, format: given }: NewImage, path: string, bytes: number): void {
    const name = imageName({ kind, id });
    if (this.hasImage(name)) return;
    const format = this.formatFor(kind, given, name);
    if (format !== 'iso') checkDiskFile(name, path, format);
    const claimed = FORMATS.filter((each) => this.pool.has(part(name, each)));
    if (this.pool.has(name)) {
      if (claimed.length === 0) throw this.foreign(name, 'an image of this service');
      if (this.isGrowing(name))
        throw failed(`${name} is being sent to pool ${this.pool.name} of host ${this.host} by another worker`);
      this.pool.remove(name);
    }
    this.pool.room(bytes, name);
    this.filling(name, bytes, () => {
      this.pool.ensureEmpty(part(name, format));
      this.pool.create(emptyVolume(name, bytes, this.pool.makes));
    });
    const file = openSync(path, 'r');
    try {
      this.send(name, bytes, (into) => readSync(file, into));
    } finally {
      closeSync(file);
    }
    // Another worker may have begun anew while this one stood still: then the volume is not what was sent.
    const found = this.pool.with(name, (volume) => this.physical(volume));
    if (this.pool.makes === 'overlay' && found !== bytes)
      throw failed(`${name} in pool ${this.pool.name} of host ${this.host} has ${found ?? 0} bytes, expected ${bytes}`);
    this.pool.ensureEmpty(mark(name, format));
    for (const each of new Set([...claimed, format])) this.pool.remove(part(name, each));
  }

  removeImage(name: string): void {
    const marks = FORMATS.flatMap((format) => [mark(name, format), part(name, format)]).filter((each) =>
      this.pool.has(each),
    );
    if (this.pool.has(name)) {
      if (marks.length === 0) throw this.foreign(name, 'an image of this service');
      const path = this.pool.path(name);
      const user = this.pool.names().find((each) => MACHINE_VOLUME.test(each) && this.baseOf(each) === path);
      if (user) throw refused(`${name} on host ${this.host} is in use by the disk ${user}: remove its machine first`);
      this.pool.remove(name);
    }
    for (const each of marks) this.pool.remove(each);
  }

  putVolume({ name, sizeGb, templateId }: VolumeSpec): void {
    const template = imageName({ kind: 'TEMPLATE', id: templateId });
    const format = this.formatOf(template);
    const base = format && this.pool.has(template) ? this.pool.path(template) : undefined;
    if (this.pool.makes === 'clone' && this.pool.has(`${name}.part`)) this.pool.remove(name);
    if (this.pool.has(name)) {
      if (this.pool.makes === 'overlay' && (base === undefined || this.baseOf(name) !== base))
        throw this.foreign(name, `a disk made from ${template}`);
      return this.grow(name, sizeGb * GIB);
    }
    if (base === undefined || (format !== 'qcow2' && format !== 'raw'))
      throw refused(`pool ${this.pool.name} of host ${this.host} does not hold the template ${template}`);
    const least = this.capacityOf(template, format);
    const wanted = sizeGb === 0 ? least : sizeGb * GIB;
    if (wanted < least)
      throw refused(`the root disk of ${name} has ${sizeGb} GB, and ${template} needs ${inGb(least)}`);
    try {
      this.filling(name, this.pool.makes === 'overlay' ? OVERLAY_LEAST : wanted, () => {
        if (this.pool.makes === 'overlay') return this.pool.create(overlayVolume(name, wanted, { path: base, format }));
        this.pool.room(wanted, name);
        // A copy takes its time: one that was cut off is known by this, and made anew.
        this.pool.ensureEmpty(`${name}.part`);
        this.pool.with(template, (from) => this.pool.clone(cloneVolume(name, wanted), from));
        this.pool.remove(`${name}.part`);
      });
    } catch (error) {
      if (!isLibvirt(error, CODE.exists, CODE.volumeExists)) throw error;
    }
  }

  removeVolume(name: string): void {
    if (!this.pool.has(name)) return;
    const base = this.baseOf(name);
    if (this.pool.makes === 'overlay' && !/(^|\/)template-[\w-]+$/.test(base ?? ''))
      throw this.foreign(name, 'a disk made from a template');
    this.pool.remove(name);
    if (this.pool.makes === 'clone') this.pool.remove(`${name}.part`);
  }

  putSeed({ name, files }: SeedMedium): void {
    const content = writeIso({ label: 'cidata', application: `CKS ${name}`, files });
    if (content.length > SEED_LIMIT)
      throw refused(`the seed ${name} has ${content.length} bytes, more than ${SEED_LIMIT}`);
    if (this.pool.has(name)) {
      const found = this.seedIn(name);
      if (this.isSeed(found, content)) return;
      if (!this.isOwnSeed(name, found)) throw this.foreign(name, 'a seed of this service');
      this.pool.remove(name);
    }
    this.filling(name, content.length, () => this.pool.create(emptyVolume(name, content.length, this.pool.makes)));
    let at = 0;
    this.send(name, content.length, (into) => {
      const got = content.copy(into, 0, at);
      at += got;
      return got;
    });
    // To a pool that is full libvirt (9.0) sends what it can, and says that all is well.
    if (this.isSeed(this.seedIn(name), content)) return;
    this.pool.room(content.length, name);
    throw failed(`${name} in pool ${this.pool.name} of host ${this.host} does not hold what was sent to it`);
  }

  removeSeed(name: string): void {
    if (!this.pool.has(name)) return;
    const found = this.pool.with(name, (volume) => this.session.download(volume, 18 * 2048)) ?? Buffer.alloc(0);
    if (!this.isOwnSeed(name, found)) throw this.foreign(name, 'a seed of this service');
    this.pool.remove(name);
  }

  root(volume: string): Place {
    if (!this.pool.has(volume)) throw refused(`pool ${this.pool.name} of host ${this.host} holds no volume ${volume}`);
    return this.pool.place(volume);
  }

  medium(name: string): Place {
    if (IMAGE_VOLUME.test(name) ? !this.hasImage(name) : !this.pool.has(name))
      throw refused(`pool ${this.pool.name} of host ${this.host} holds no medium ${name}`);
    return this.pool.place(name);
  }

  private formatFor(kind: string, given: string, name: string): Format {
    const format = kind === 'ISO' ? 'iso' : given.toLowerCase();
    if (format !== 'iso' && format !== 'qcow2' && format !== 'raw')
      throw refused(`${name} has the format ${given}; virtual machines take QCOW2 or RAW, containers TAR`);
    if (this.pool.makes === 'clone' && format === 'qcow2')
      throw refused(`pool ${this.pool.name} of host ${this.host} holds block devices: register the template as RAW`);
    return format;
  }

  private formatOf(name: string): Format | undefined {
    return FORMATS.find((format) => this.pool.has(mark(name, format)));
  }

  private capacityOf(template: string, format: DiskFormat): number {
    return (
      this.pool.with(template, (volume) =>
        format === 'qcow2'
          ? qcow2Capacity(this.session.download(volume, HEADER_BYTES))
          : this.pool.makes === 'clone'
            ? this.capacity(volume)
            : this.physical(volume),
      ) ?? 0
    );
  }

  private physical(volume: VolumePtr): number {
    const info: { allocation?: number | bigint } = {};
    this.session.call((v) => v.volumeInfo(volume, info, 1));
    return Number(info.allocation);
  }

  private capacity(volume: VolumePtr): number {
    const info: { capacity?: number | bigint } = {};
    this.session.call((v) => v.volumeInfo(volume, info, 0));
    return Number(info.capacity);
  }

  private baseOf(name: string): string | undefined {
    return this.pool.with(name, (volume) =>
      textAt(readXml(this.session.call((v) => v.volumeXml(volume, 0))), 'backingStore/path'),
    );
  }

  private grow(name: string, wanted: number): void {
    this.pool.with(name, (volume) => {
      if (this.capacity(volume) < wanted)
        this.filling(name, wanted, () => this.session.call((v) => v.volumeResize(volume, wanted, 0)));
    });
  }

  /** Two looks, some seconds apart: a volume that still grows has a writer. */
  private isGrowing(name: string): boolean {
    const look = () => this.pool.with(name, (volume) => this.physical(volume));
    const before = look();
    this.session.sleep(3000);
    return look() !== before;
  }

  private seedIn(name: string): Buffer {
    return this.pool.with(name, (volume) => this.session.download(volume, SEED_LIMIT)) ?? Buffer.alloc(0);
  }

  /** A block device is as long as its pool's blocks make it. */
  private isSeed(found: Buffer, content: Buffer): boolean {
    return (this.pool.makes === 'clone' ? found.subarray(0, content.length) : found).equals(content);
  }

  /** A prefix of what this service writes counts too: an upload may have been cut off. */
  private isOwnSeed(name: string, found: Buffer): boolean {
    const application = isoApplication(found);
    return application === ''
      ? found.subarray(0, 17 * 2048).every((byte) => byte === 0)
      : application === `CKS ${name}`;
  }

  private send(name: string, bytes: number, read: (into: Buffer) => number): void {
    try {
      this.filling(name, bytes, () => this.pool.with(name, (volume) => this.session.upload(volume, bytes, read)));
    } catch (error) {
      if (error instanceof HostFault) throw new HostFault(error.code, `${name}: ${error.message}`, error.facts);
      throw error;
    }
  }

  /** Does what takes room in the pool; where there is none, the fault says so. */
  private filling<T>(name: string, bytes: number, act: () => T): T {
    try {
      return act();
    } catch (error) {
      throw saysFull(error) ? this.pool.full(bytes, name) : error;
    }
  }

  private foreign(name: string, expected: string): HostFault {
    return refused(
      `pool ${this.pool.name} of host ${this.host} holds a volume ${name} that is not ${expected}: rename or delete it, then try again`,
      { host: this.host, volume: name },
    );
  }
}

const mark = (name: string, format: Format) => `${name}.${format}`;
const part = (name: string, format: Format) => `${name}.${format}.part`;
