import type { ZoneQueue } from './zone-queue.js';

/** Where an image stands in a zone, and a copy of it in one host's pool. */
export type ImageState = 'NotUploaded' | 'NotDownloaded' | 'Downloading' | 'Ready' | 'Failed';
export type CopyState = 'NotDownloaded' | 'Downloading' | 'Ready' | 'Failed' | 'Removing';

/** Digits of each checksum, by the name that it is written with: `{SHA-256}0123…`. Plain digits are MD5 (`api.md` §2.4). */
const DIGITS = { 'MD5': 32, 'SHA-1': 40, 'SHA-224': 56, 'SHA-256': 64, 'SHA-384': 96, 'SHA-512': 128 } as const; // prettier-ignore
export type ChecksumName = keyof typeof DIGITS;

export interface Checksum {
  name: ChecksumName;
  /** Lower case. */
  hex: string;
}

/** The checksum that a text stands for, or why it is none. */
export function parseChecksum(text: string): Checksum | { problem: string } {
  const [, given, digits = ''] = /^(?:\{([^}]*)\})?\s*(.*?)\s*$/s.exec(text) ?? [];
  const name = (given ?? 'MD5').toUpperCase().replace(/^SHA(\d)/, 'SHA-$1');
  if (!Object.hasOwn(DIGITS, name))
    return { problem: `checksum: expected {${Object.keys(DIGITS).join('}, {')}} or plain MD5, found {${given}}` };
  const wanted = DIGITS[name as ChecksumName];
  if (!/^[0-9a-f]*$/i.test(digits) || digits.length !== wanted) {
    const plain = given === undefined ? ' (a checksum without {NAME} is MD5)' : '';
    return { problem: `checksum: expected ${wanted} hexadecimal digits for ${name}${plain}, found "${digits.slice(0, 140)}"` }; // prettier-ignore
  }
  return { name: name as ChecksumName, hex: digits.toLowerCase() };
}

/** How the checksum is stored and shown. */
export const checksumText = ({ name, hex }: Checksum): string => `{${name}}${hex}`;

/** Why an image cannot be fetched from there; undefined when it can. The address behind the name is looked at when it is fetched. */
export function urlProblem(url: string): string | undefined {
  if (!URL.canParse(url)) return `expected a URL such as http://mirror.example/file, found "${url.slice(0, 200)}"`;
  const { protocol, username, password } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return `expected an http:// or https:// URL, found ${protocol}//`;
  if (username !== '' || password !== '') return 'expected a URL without user name and password';
  return undefined;
}

/** Stands for the URL of an image that is uploaded through the API. */
export const uploadUrl = (imageId: string): string => `upload:${imageId}`;
export const isUpload = (url: string): boolean => url.startsWith('upload:');
/** Where an uploaded file lies below the service's home, for API servers and workers alike. */
export const uploadName = (imageId: string): string => `uploads/${imageId}`;

/** One run brings an image to the pools of its zones, or away from them. */
export const imageRunId = (imageId: string): string => `image-${imageId}`;

export interface ImageRunInput {
  imageId: string;
}

/** A copy that has to be made or removed: the pool and the host through which it is reached. */
export interface ImageCopy {
  poolId: string;
  hostId: string;
  hostName: string;
  queue?: ZoneQueue;
}

export interface ImageWork {
  kind: 'fetch' | 'remove';
  copies: ImageCopy[];
  /** Longest time for one copy, fetching included. */
  limitSeconds: number;
}
