import { createHmac, timingSafeEqual } from 'node:crypto';
import { wellFormed } from './text.js';

interface Spelling {
  tilde: string;
  star: string;
  encodeNames: boolean;
  sort: 'name' | 'pair' | 'lower';
}

const strict = (text: string): string =>
  encodeURIComponent(wellFormed(text)).replace(
    /[!'()]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const spell = (text: string, { tilde, star }: Spelling): string =>
  strict(text).replaceAll('~', tilde).replaceAll('*', star);

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function canonical(parameters: ReadonlyMap<string, string>, spelling: Spelling): string {
  const pairs = [...parameters].filter(([name]) => name.toLowerCase() !== 'signature');
  if (spelling.sort === 'name') pairs.sort(([a], [b]) => order(a, b));
  if (spelling.sort === 'lower') pairs.sort(([a], [b]) => order(a.toLowerCase(), b.toLowerCase()));
  const written = pairs.map(
    ([name, value]) => `${spelling.encodeNames ? spell(name, spelling) : name}=${spell(value, spelling)}`,
  );
  if (spelling.sort === 'pair') written.sort(order);
  return written.join('&').toLowerCase();
}

/** The original server's rule (`api.md` §1.3), then the spellings of the clients in `clients.md` "Signing". */
const SPELLINGS: readonly Spelling[] = (['name', 'pair', 'lower'] as const).flatMap((sort) =>
  [false, true].flatMap((encodeNames) =>
    ['*', '%2a'].flatMap((star) => ['%7e', '~'].map((tilde) => ({ sort, encodeNames, star, tilde }))),
  ),
);

export const stringToSign = (parameters: ReadonlyMap<string, string>): string => canonical(parameters, SPELLINGS[0]!);

const digest = (secretKey: string, text: string): Buffer =>
  createHmac('sha1', Buffer.from(secretKey)).update(text).digest();

export const sign = (parameters: ReadonlyMap<string, string>, secretKey: string): string =>
  digest(secretKey, stringToSign(parameters)).toString('base64');

/** True when `signature` is the parameters' under one of the accepted spellings. Takes the same time wherever it differs. */
export function verifySignature(
  parameters: ReadonlyMap<string, string>,
  signature: string,
  secretKey: string,
): boolean {
  const given = Buffer.from(signature.replaceAll(' ', '+'), 'base64');
  if (given.length !== 20) return false;
  const texts = new Set(SPELLINGS.map((spelling) => canonical(parameters, spelling)));
  let right = false;
  for (const text of texts) right = timingSafeEqual(digest(secretKey, text), given) || right;
  return right;
}

/** When a version-3 request ends, or undefined when `expires` is no time (`…Z`, `…+0000`, `…+00:00`). */
export function expiryOf(expires: string): Date | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+ -]\d\d:?\d\d)$/i.exec(expires.trim());
  if (!match?.[1] || !match[2]) return undefined;
  // An unencoded plus arrives as a space.
  const zone = match[2].replace(' ', '+').replace(/^([+-]\d\d):?(\d\d)$/, '$1:$2');
  const time = new Date(match[1] + zone);
  return Number.isNaN(time.getTime()) ? undefined : time;
}
