import { HostFault } from './host-fault.js';
import type { ConnectPtr, DomainPtr, Library, PoolPtr, VolumePtr } from './library.js';

/** What libvirt said about a call that failed, in the thread that made it. */
export class LibvirtError extends Error {
  constructor(
    readonly code: number,
    readonly domain: number,
    message: string,
  ) {
    super(message);
  }
}
export const isLibvirt = (error: unknown, ...codes: number[]): error is LibvirtError =>
  error instanceof LibvirtError && codes.includes(error.code);

/** Codes of `virErrorNumber`. */
export const CODE = {
  internal: 1, noSupport: 3, badArgument: 8, exists: 9, xml: 27, readOnly: 29, xmlSyntax: 35, system: 38, noDomain: 42, auth: 45,
  noPool: 49, noVolume: 50, wrongState: 55, unsupportedConfig: 67, timeout: 68, notSupportedArgument: 74, opUnsupported: 84,
  volumeExists: 90, libssh: 98,
} as const; // prettier-ignore

/** The call was given up by the worker, which made sure of that before this thread went on. */
export class Abandoned extends Error {}

const PART = 1 << 20;
const IDLE = new Int32Array(new SharedArrayBuffer(4));

/**
 * One connection of one thread. Every call into libvirt passes through `call`, which stops a call that was given up meanwhile, and
 * turns a failure into a `LibvirtError`. Pointers do not leave a callback.
 */
export class Session {
  constructor(
    readonly v: Library,
    readonly connection: ConnectPtr,
    private readonly abandoned: () => boolean,
    readonly progress: () => void,
  ) {}

  /** Throws when the worker gave up waiting: nothing further may be changed. */
  goOn(): void {
    if (this.abandoned()) throw new Abandoned('given up');
  }

  /** Waits; a call that is given up meanwhile ends. */
  sleep(milliseconds: number): void {
    Atomics.wait(IDLE, 0, 0, milliseconds);
    this.goOn();
  }

  /** Failure is `null`, a negative number, or nothing else. */
  call<T extends number | bigint | string>(run: (v: Library) => T | null): T {
    this.goOn();
    const result = run(this.v);
    if (result === null || (typeof result === 'number' && result < 0)) throw this.failure();
    return result;
  }

  failure(): LibvirtError {
    const found = this.v.lastError();
    return new LibvirtError(found?.code ?? 0, found?.domain ?? 0, found?.message ?? 'libvirt gave no reason');
  }

  /** Undefined where libvirt says that there is no such thing. */
  look<T>(missing: number, run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      if (isLibvirt(error, missing)) return undefined;
      throw error;
    }
  }

  withDomain<T>(name: string, use: (domain: DomainPtr) => T): T | undefined {
    const domain = this.look(CODE.noDomain, () => this.call((v) => v.domainLookup(this.connection, name)));
    if (domain === undefined) return undefined;
    try {
      return use(domain);
    } finally {
      this.v.domainFree(domain);
    }
  }

  eachDomain<T>(use: (domain: DomainPtr) => T): T[] {
    const out: [bigint | null] = [null];
    const count = this.call((v) => v.listDomains(this.connection, out, 0));
    const domains = this.v.takeList<'domain'>(out[0], count);
    try {
      return domains.map(use);
    } finally {
      for (const domain of domains) this.v.domainFree(domain);
    }
  }

  volumeNames(pool: PoolPtr): string[] {
    const out: [bigint | null] = [null];
    const count = this.call((v) => v.listVolumes(pool, out, 0));
    const volumes = this.v.takeList<'volume'>(out[0], count);
    try {
      return volumes.map((volume) => this.call((v) => v.volumeName(volume)));
    } finally {
      for (const volume of volumes) this.v.volumeFree(volume);
    }
  }

  /** Sends exactly `bytes` bytes to the start of a volume: a short stream is no error to libvirt, so it is one here. */
  upload(volume: VolumePtr, bytes: number, read: (into: Buffer) => number): void {
    const stream = this.call((v) => v.streamNew(this.connection, 0));
    const part = Buffer.alloc(Math.min(PART, Math.max(1, bytes)));
    let sent = 0;
    try {
      this.call((v) => v.volumeUpload(volume, stream, 0, bytes, 0));
      for (;;) {
        const got = read(part);
        if (got === 0) break;
        if (sent + got > bytes) throw new HostFault('HypervisorFailed', `the file has more than its ${bytes} bytes`);
        for (let off = 0; off < got;) off += this.call((v) => v.streamSend(stream, part.subarray(off, got), got - off));
        sent += got;
        this.progress();
      }
      if (sent !== bytes) throw new HostFault('HypervisorFailed', `the file has ${sent} bytes, expected ${bytes}`);
      this.call((v) => v.streamFinish(stream));
    } catch (error) {
      this.v.streamAbort(stream);
      throw error;
    } finally {
      this.v.streamFree(stream);
    }
  }

  /** The first `bytes` bytes of a volume, or all it has. */
  download(volume: VolumePtr, bytes: number): Buffer {
    const stream = this.call((v) => v.streamNew(this.connection, 0));
    const parts: Buffer[] = [];
    let left = bytes;
    try {
      this.call((v) => v.volumeDownload(volume, stream, 0, bytes, 0));
      while (left > 0) {
        const part = Buffer.alloc(Math.min(65_536, left));
        const got = this.call((v) => v.streamRecv(stream, part, part.length));
        if (got === 0) break;
        parts.push(part.subarray(0, got));
        left -= got;
      }
      this.call((v) => v.streamFinish(stream));
    } catch (error) {
      this.v.streamAbort(stream);
      throw error;
    } finally {
      this.v.streamFree(stream);
    }
    return Buffer.concat(parts);
  }
}
