import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { imageName, type SeedMedium, type VolumeSpec } from '../driver.js';
import { failed, type HostFault, refused } from './host-fault.js';
import { unpackIso } from './iso-reader.js';
import { openPool } from './pool.js';
import type { Session } from './session.js';
import { IMAGE_VOLUME, MACHINE_VOLUME, type NewImage, type Place, type Store } from './store.js';

/** Beside every folder of this service: that it is ours, and for a drive which medium is in it. Not inside: guests write there. */
const markFile = (name: string) => `.${name}.cks`;
interface Mark {
  name: string;
  medium?: string;
}
const STALE_MS = 3_600_000;

/**
 * For containers a root, a seed and a medium are folders of a pool on this machine. Each is filled beside its place and moved
 * there whole, so what is there is complete. Sizes of disks mean nothing here.
 */
export class Folders implements Store {
  private readonly folder: string;
  constructor(
    private readonly session: Session,
    private readonly host: string,
    private readonly poolName: string,
  ) {
    const pool = openPool(session, host, poolName);
    pool.close();
    if (pool.makes !== 'overlay' || !path.isAbsolute(pool.folder))
      throw refused(`pool ${poolName} of host ${host} is no folder, and containers need one`);
    this.folder = pool.folder;
  }

  names(): string[] {
    return readdirSync(this.folder)
      .filter((name) => (MACHINE_VOLUME.test(name) || IMAGE_VOLUME.test(name)) && this.markOf(name) !== undefined)
      .sort();
  }

  hasImage(name: string): boolean {
    return this.isOurs(name, 'an image');
  }

  putImage({ kind, id, format }: NewImage, file: string): void {
    const name = imageName({ kind, id });
    if (this.hasImage(name)) return;
    if (kind === 'TEMPLATE' && format !== 'TAR') throw refused(`${name} has the format ${format}; containers take TAR`);
    this.fill(name, (into) => {
      if (kind === 'ISO') this.unpack(name, file, into);
      else
        this.run(
          'tar',
          ['-x', '-p', '--numeric-owner', '--xattrs', '--xattrs-include=*', '-f', file, '-C', into],
          name,
        );
    });
  }

  removeImage(name: string): void {
    this.remove(name, 'an image');
  }

  putVolume({ name, templateId }: VolumeSpec): void {
    if (this.isOurs(name, 'the root of a machine')) return;
    const template = imageName({ kind: 'TEMPLATE', id: templateId });
    if (!this.hasImage(template))
      throw refused(`pool ${this.poolName} of host ${this.host} does not hold the template ${template}`);
    this.fill(name, (into) => this.run('cp', ['-a', '--reflink=auto', `${this.at(template)}/.`, into], name));
  }

  removeVolume(name: string): void {
    this.remove(name, 'the root of a machine');
  }

  putSeed({ name, files }: SeedMedium): void {
    if (this.isOurs(name, 'a seed') && Object.entries(files).every(([file, text]) => this.holds(name, file, text)))
      return;
    this.remove(name, 'a seed');
    this.fill(name, (into) => {
      for (const [file, text] of Object.entries(files)) writeFileSync(path.join(into, file), text, { mode: 0o600 });
    });
  }

  removeSeed(name: string): void {
    this.remove(name, 'a seed');
  }

  root(volume: string): Place {
    if (!this.isOurs(volume, 'the root of a machine'))
      throw refused(`pool ${this.poolName} of host ${this.host} holds no volume ${volume}`);
    return { path: this.at(volume), kind: 'folder' };
  }

  medium(name: string): Place {
    if (!this.isOurs(name, 'a medium'))
      throw refused(`pool ${this.poolName} of host ${this.host} holds no medium ${name}`);
    return { path: this.at(name), kind: 'folder' };
  }

  /** The drive of a machine: a folder that its container sees, filled with the medium's files by link, so also while it runs. */
  drive(machine: string): string {
    return this.at(driveOf(machine));
  }
  mediumIn(machine: string): string | undefined {
    return this.markOf(driveOf(machine))?.medium;
  }
  insert(machine: string, medium: string | undefined): void {
    const name = driveOf(machine);
    if (!this.isOurs(name, 'a drive')) this.fill(name, () => undefined);
    const mark = this.markOf(name);
    if (mark?.medium === medium && medium !== undefined) return;
    const drive = this.at(name);
    this.mark({ name });
    // Its files are taken out and put in place; the folder itself stays, since a running container holds on to it.
    for (const entry of readdirSync(drive)) rmSync(path.join(drive, entry), { recursive: true, force: true });
    if (medium === undefined) return;
    this.run('cp', ['-al', `${this.medium(medium).path}/.`, drive], name);
    this.mark({ name, medium });
  }
  removeDrive(machine: string): void {
    this.remove(driveOf(machine), 'a drive');
  }

  private at(name: string): string {
    return path.join(this.folder, name);
  }

  private unpack(name: string, file: string, into: string): void {
    try {
      unpackIso(file, into, () => {
        this.session.goOn();
        this.session.progress();
      });
    } catch (error) {
      throw (
        this.spaceOr(error, name) ??
        (error instanceof Error && !('code' in error) ? refused(`${name}: ${error.message}`) : error)
      );
    }
  }

  private fill(name: string, fill: (into: string) => void): void {
    this.dropStale();
    const draft = this.at(draftOf(name, 'new'));
    mkdirSync(draft, { mode: 0o700 });
    try {
      fill(draft);
      this.session.goOn();
      this.mark({ name });
      renameSync(draft, this.at(name));
    } catch (error) {
      rmSync(draft, { recursive: true, force: true });
      // Another worker was first.
      if (isCode(error, 'ENOTEMPTY', 'EEXIST') && this.markOf(name)) return;
      throw this.spaceOr(error, name) ?? error;
    }
  }

  /** What a killed worker left half-filled. */
  private dropStale(): void {
    for (const name of readdirSync(this.folder)) {
      if (!/^\.(i|template|iso)-.*\.part$/.test(name)) continue;
      const age = Date.now() - (statSync(this.at(name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > STALE_MS) rmSync(this.at(name), { recursive: true, force: true });
    }
  }

  private remove(name: string, expected: string): void {
    const isDraft = (each: string) => each.startsWith(`.${name}.`) && each.endsWith('.part');
    // Moved away first: what stands at its place is whole or not there.
    if (this.isOurs(name, expected)) renameSync(this.at(name), this.at(draftOf(name, 'gone')));
    // Also what a removal had moved away, or a copy had half made, when its worker was killed.
    for (const each of readdirSync(this.folder).filter(isDraft)) {
      // The tree is last: it takes long, and as long as it stands the next removal finds what is left.
      rmSync(this.at(markFile(name)), { force: true });
      // A copy that outlived its worker still writes there.
      rmSync(this.at(each), { recursive: true, force: true, maxRetries: 10 });
    }
  }

  /** The first program of a root: not followed, since its links mean something inside only. */
  holdsProgram(volume: string, program: string): boolean {
    return lstatSync(path.join(this.at(volume), program), { throwIfNoEntry: false }) !== undefined;
  }

  /** False when nothing is there; refuses what this service did not put there. */
  private isOurs(name: string, expected: string): boolean {
    if (!existsSync(this.at(name))) return false;
    if (this.markOf(name)?.name !== name)
      throw refused(
        `pool ${this.poolName} of host ${this.host} holds ${name}, and it is not ${expected} of this service: rename or delete it, then try again`,
        { host: this.host, volume: name },
      );
    return true;
  }

  private mark(mark: Mark): void {
    writeFileSync(this.at(markFile(mark.name)), JSON.stringify(mark), { mode: 0o600 });
  }
  private markOf(name: string): Mark | undefined {
    try {
      return JSON.parse(readFileSync(this.at(markFile(name)), 'utf8')) as Mark;
    } catch {
      return undefined;
    }
  }
  private holds(name: string, file: string, text: string): boolean {
    try {
      return readFileSync(path.join(this.at(name), file), 'utf8') === text;
    } catch {
      return false;
    }
  }

  private run(program: string, args: string[], name: string): void {
    this.session.goOn();
    const { status, stderr, error } = spawnSync(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
    this.session.goOn();
    if (error) throw failed(`${program} cannot be run on host ${this.host}: ${error.message}`);
    if (status === 0) return;
    // tar says no more than that when a file did not fit whole.
    if (/no space left|wrote only/i.test(stderr)) throw this.full(name);
    throw failed(
      `${program} on host ${this.host} failed for ${name}: ${stderr.trim().split('\n').slice(-2).join(' ')}`,
    );
  }

  private spaceOr(error: unknown, name: string): HostFault | undefined {
    return isCode(error, 'ENOSPC', 'EDQUOT') ? this.full(name) : undefined;
  }
  private full(name: string): HostFault {
    return refused(
      `pool ${this.poolName} of host ${this.host} is too full for ${name}: nothing is free in ${this.folder}. Make room in it or enlarge it, then try again`,
    );
  }
}

const draftOf = (name: string, what: 'new' | 'gone') =>
  `.${name}.${process.pid}-${Math.random().toString(36).slice(2)}-${what}.part`;
const driveOf = (machine: string) => `${machine}-drive`;
const isCode = (error: unknown, ...codes: string[]) => codes.includes(String((error as { code?: unknown }).code));
