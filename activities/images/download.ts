import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { fault, textOf } from '../../workflows/model/fault.js';
import { isFault } from '../is-fault.js';
import type { AddressRules } from './addresses.js';
import { get } from './request.js';

export interface Wish {
  url: string;
  /** The file to fill; what is there of an earlier attempt is kept when the server still has the same file. */
  part: string;
  maxBytes: number;
  limitSeconds: number;
  rules: AddressRules;
  stallMs: number;
  /** Milliseconds before the second attempt; doubled for each further one. */
  pauseMs: number;
  signal: AbortSignal;
  onProgress: (bytes: number, total: number | null) => void;
}

/** Beside the part: what it is a part of. */
interface PartOf {
  url: string;
  /** Strong ETag or Last-Modified of the answer, for `If-Range`. Null: the server cannot resume. */
  validator: string | null;
}

/** Attempts in a row that brought no byte. */
const MOST_IDLE_ATTEMPTS = 5;

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => undefined))?.size ?? 0;

async function readPart({ part, url }: Wish): Promise<{ have: number; validator: string | null }> {
  const none = { have: 0, validator: null };
  const text = await readFile(`${part}.json`, 'utf8').catch(() => '');
  if (text === '') return none;
  const about = JSON.parse(text) as PartOf;
  return about.url === url && about.validator !== null
    ? { have: await sizeOf(part), validator: about.validator }
    : none;
}

async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

export async function dropPart(part: string): Promise<void> {
  await Promise.all([rm(part, { force: true }), rm(`${part}.json`, { force: true })]);
}

const validatorOf = ({ headers }: IncomingMessage): string | null =>
  headers.etag !== undefined && !headers.etag.startsWith('W/') ? headers.etag : (headers['last-modified'] ?? null);

const numberOr = (text: string | undefined): number | null => (text && /^\d+$/.test(text) ? Number(text) : null);

/** Total and offset of an answer: of a whole one offset 0. */
function extentOf({ statusCode, headers }: IncomingMessage): { from: number | null; total: number | null } {
  if (statusCode === 200) return { from: 0, total: numberOr(headers['content-length']) };
  const [, from, total] = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
  return { from: numberOr(from), total: numberOr(total) };
}

function refuseStatus(url: string, { statusCode = 0, statusMessage = '' }: IncomingMessage): never {
  const said = `${url} answered ${statusCode} ${statusMessage}`.trim();
  if (statusCode === 408 || statusCode === 429 || statusCode >= 500) throw fault('DownloadFailed', said);
  throw fault('DownloadRefused', `${said}: expected the file`);
}

/** One request, from where the part ends. True when the file is whole. */
async function attempt(wish: Wish): Promise<boolean> {
  const { url, part, maxBytes, signal } = wish;
  const { have, validator } = await readPart(wish);
  const headers: Record<string, string> = { 'accept-encoding': 'identity', 'user-agent': 'cks', accept: '*/*' };
  if (have > 0 && validator !== null) Object.assign(headers, { 'range': `bytes=${have}-`, 'if-range': validator }); // prettier-ignore
  const answer = await get(url, { headers, rules: wish.rules, stallMs: wish.stallMs, signal });
  try {
    const { from, total } = extentOf(answer);
    if (answer.statusCode === 416 && total === have && have > 0) return true;
    const fits = answer.statusCode === 200 || (answer.statusCode === 206 && from === have);
    if (!fits) {
      if (answer.statusCode !== 206 && answer.statusCode !== 416) refuseStatus(url, answer);
      await dropPart(part);
      throw fault('DownloadFailed', `${url} does not go on at byte ${have}: fetching it from the start`);
    }
    const encoding = answer.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity')
      throw fault('DownloadRefused', `${url} answered with content-encoding ${encoding}: expected the file as it is`);
    const tooLarge = (bytes: string) =>
      fault('DownloadRefused', `${url} is larger than ${Math.floor(maxBytes / 1e9)} GB (cks.download.max.gb): ${bytes} bytes`); // prettier-ignore
    if (total !== null && total > maxBytes) throw tooLarge(String(total));
    await writeWhole(`${part}.json`, JSON.stringify({ url, validator: validatorOf(answer) } satisfies PartOf));
    let bytes = from ?? 0;
    wish.onProgress(bytes, total);
    const file = await open(part, bytes === 0 ? 'w' : 'a');
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw tooLarge(`more than ${maxBytes}`);
        // One after the other: what has come in is on disk before the next is read, so a cut loses little.
        await file.writeFile(chunk);
        wish.onProgress(bytes, total);
      }
    } finally {
      await file.close();
    }
    return total === null ? answer.complete : bytes === total;
  } finally {
    answer.destroy();
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}

/**
 * Fills `part` with the whole file. A connection that is cut is taken up where it ended, here or after a crash; a server that
 * cannot, or has another file by now, is read from the start.
 */
export async function download(wish: Wish): Promise<void> {
  const limit = AbortSignal.timeout(wish.limitSeconds * 1000);
  const signal = AbortSignal.any([wish.signal, limit]);
  let known: number | null = null;
  const onProgress: Wish['onProgress'] = (bytes, total) => wish.onProgress(bytes, (known = total));
  for (let idle = 0; ; idle++) {
    const before = await sizeOf(wish.part);
    let problem: unknown;
    try {
      if (await attempt({ ...wish, signal, onProgress })) break;
      problem = fault('DownloadFailed', `${wish.url} ended early`);
    } catch (error) {
      problem = error;
    }
    if (wish.signal.aborted) throw problem;
    const size = await sizeOf(wish.part);
    if (limit.aborted)
      throw fault(
        'DownloadRefused',
        `fetching ${wish.url} took longer than ${wish.limitSeconds} s (cks.download.timeout): ${size} of ${known ?? 'unknown'} bytes are there`,
      );
    if (isFault(problem, 'DownloadRefused')) throw problem;
    if (size > before) idle = 0;
    if (idle + 1 >= MOST_IDLE_ATTEMPTS)
      throw isFault(problem, 'DownloadFailed')
        ? problem
        : fault('DownloadFailed', `cannot fetch ${wish.url}: ${textOf(problem)}`);
    await pause(wish.pauseMs * 2 ** idle, signal);
  }
  const file = await open(wish.part, 'r');
  await file.sync().finally(() => file.close());
}
