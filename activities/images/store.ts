import { copyFile, link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { lockFile } from '../../db/file-lock.js';
import { fault } from '../../workflows/model/fault.js';
import { isUpload, uploadName } from '../../workflows/model/image.js';
import type { Settings } from '../../workflows/model/settings.js';
import { imageName, type FetchedImage, type FetchRules, type ImageSpec } from '../hypervisor/driver.js';
import { lookup, type AddressRules, type OwnPart } from './addresses.js';
import { verify } from './digest.js';
import { download, dropPart } from './download.js';
import { assertVersionMedium } from './medium.js';

export interface ImageStoreOptions {
  /** The service's home: `cache/` and `uploads/` are below it. */
  home: string;
  settings: () => Promise<Settings>;
  own: () => Promise<readonly OwnPart[]>;
  /** The Kubernetes version whose medium an ISO is; undefined for any other. */
  versionOf: (isoId: string) => Promise<string | undefined>;
  /** Told while it is fetched, about once a second; `total` is null while the server has not said it. */
  onProgress: (imageId: string, bytes: number, total: number | null) => Promise<void>;
  /** Ends a caller's wait. */
  signal?: () => AbortSignal | undefined;
  /** For tests. */
  lookup?: AddressRules['lookup'];
  stallMs?: number;
  pauseMs?: number;
}

const PROGRESS_MS = 1000;

type ImageKey = Pick<ImageSpec, 'kind' | 'id'>;
const cacheName = (image: ImageKey, { loopback }: FetchRules): string =>
  loopback ? `${imageName(image)}-loopback` : imageName(image);
const cacheNames = (image: ImageKey): string[] => [cacheName(image, {}), cacheName(image, { loopback: true })];

interface Shared {
  result: Promise<FetchedImage>;
  stop: AbortController;
  callers: number;
}

/**
 * Fetched and verified images on this machine, in `CKS_HOME/cache` under the names that pools know them by. Callers who want the
 * same image share one fetch; another process waits for its lock; a fetch that was killed goes on where it ended. A file of the
 * cache may be deleted at any time: it is fetched again when a pool needs it. What was fetched under wider rules is kept apart, so that
 * no other host gets it.
 */
export class ImageStore {
  readonly #folder: string;
  readonly #running = new Map<string, Shared>();

  constructor(private readonly options: ImageStoreOptions) {
    this.#folder = path.join(options.home, 'cache');
  }

  /** The image's file, fetched if it is not here yet. */
  async fetch(image: ImageSpec, rules: FetchRules = {}): Promise<FetchedImage> {
    const name = cacheName(image, rules);
    const caller = this.options.signal?.();
    caller?.throwIfAborted();
    let shared = this.#running.get(name);
    if (!shared) {
      const stop = new AbortController();
      shared = {
        stop,
        callers: 0,
        result: this.#locked(image, rules, stop.signal).finally(() => this.#running.delete(name)),
      };
      this.#running.set(name, shared);
    }
    const { stop, result } = shared;
    shared.callers += 1;
    let leave = () => {};
    const gone = new Promise<never>((_, reject) => {
      leave = () => reject(caller?.reason as Error);
      caller?.addEventListener('abort', leave, { once: true });
    });
    try {
      return await Promise.race([result, gone]);
    } finally {
      caller?.removeEventListener('abort', leave);
      // The last one who wanted it is gone: what is there so far is kept.
      if (--shared.callers === 0) stop.abort();
    }
  }

  /** Bytes of the copy on this machine; undefined when there is none. */
  async size(image: ImageKey): Promise<number | undefined> {
    for (const name of cacheNames(image)) {
      const found = await this.#cached(name);
      if (found) return found.bytes;
    }
    return undefined;
  }

  /** Forgets the copies on this machine, and the uploaded file if there is one. */
  async forget(image: ImageKey): Promise<void> {
    for (const file of cacheNames(image).map((name) => this.#path(name))) {
      await dropPart(`${file}.part`);
      for (const gone of [`${file}.json`, file, `${file}.lock`]) await rm(gone, { force: true });
    }
    await rm(path.join(this.options.home, uploadName(image.id)), { force: true });
  }

  #path(name: string): string {
    return path.join(this.#folder, name);
  }

  async #locked(image: ImageSpec, rules: FetchRules, signal: AbortSignal): Promise<FetchedImage> {
    const name = cacheName(image, rules);
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const unlock = await lockFile(`${this.#path(name)}.lock`, { signal });
    try {
      return (await this.#cached(name)) ?? (await this.#fetch(image, rules, signal));
    } finally {
      unlock();
    }
  }

  async #cached(name: string): Promise<FetchedImage | undefined> {
    const file = this.#path(name);
    const known = await readFile(`${file}.json`, 'utf8').catch(() => undefined);
    if (known === undefined) return undefined;
    const { bytes, sha256 } = JSON.parse(known) as Omit<FetchedImage, 'path'>;
    return (await stat(file).catch(() => undefined))?.size === bytes ? { path: file, bytes, sha256 } : undefined;
  }

  async #fetch(image: ImageSpec, rules: FetchRules, signal: AbortSignal): Promise<FetchedImage> {
    const file = this.#path(cacheName(image, rules));
    const part = `${file}.part`;
    const from = isUpload(image.url) ? 'the uploaded file' : image.url;
    if (isUpload(image.url)) await this.#takeUpload(image.id, part);
    else await this.#download(image, rules, part, signal);
    try {
      const { bytes, sha256 } = await verify(part, from, image.checksum, signal);
      const version = image.kind === 'ISO' ? await this.options.versionOf(image.id) : undefined;
      if (version !== undefined) await assertVersionMedium(part, from, version);
      // The file gets its name last: until then the record names nothing.
      await writeFile(`${file}.json.new`, JSON.stringify({ bytes, sha256, url: image.url }));
      await rename(`${file}.json.new`, `${file}.json`);
      await rename(part, file);
      await rm(`${part}.json`, { force: true });
      return { path: file, bytes, sha256 };
    } catch (error) {
      // A whole file that is not what was asked for: nothing to go on from.
      if (!signal.aborted) await dropPart(part);
      throw error;
    }
  }

  async #takeUpload(imageId: string, part: string): Promise<void> {
    const uploaded = path.join(this.options.home, uploadName(imageId));
    await dropPart(part);
    try {
      await link(uploaded, part).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') throw error;
        return copyFile(uploaded, part);
      });
    } catch {
      throw fault('DownloadRefused', `the file that was uploaded for ${imageId} is not on this machine: API servers and workers need the same CKS_HOME`); // prettier-ignore
    }
  }

  async #download({ id, url }: ImageSpec, { loopback }: FetchRules, part: string, signal: AbortSignal): Promise<void> {
    const settings = await this.options.settings();
    const { stallMs = 60_000, pauseMs = 1000 } = this.options;
    let told = 0;
    const onProgress = (bytes: number, total: number | null) => {
      if (bytes !== total && Date.now() - told < PROGRESS_MS) return;
      told = Date.now();
      // A row that cannot be written now is written a second later.
      void this.options.onProgress(id, bytes, total).catch(() => undefined);
    };
    await download({
      url,
      part,
      maxBytes: settings['cks.download.max.gb'] * 1e9,
      limitSeconds: settings['cks.download.timeout'],
      rules: {
        privateRanges: settings['cks.download.cidrs'],
        own: await this.options.own(),
        loopback,
        lookup: this.options.lookup ?? lookup,
      },
      stallMs,
      pauseMs,
      signal,
      onProgress,
    });
  }
}
