import { parseCidr, toAddress, toNumber } from './addresses.js';

/**
 * Where clusters' networks are taken from unless the zone says otherwise: 2,048 of a /22 each. It meets neither the services
 * (10.96.0.0/12) nor the pods (10.244.0.0/16) of a cluster.
 */
export const DEFAULT_GUEST_CIDR = '10.160.0.0/11';

/** A range of public addresses that one call may add: a /20. */
export const MOST_ADDRESSES = 4096;

export interface RangeText {
  startip: string;
  endip: string;
  gateway: string;
  netmask: string;
}
export interface Range {
  start: number;
  end: number;
}

const PART = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ADDRESS = new RegExp(`^${PART}(\\.${PART}){3}$`);
export const isAddress = (text: string): boolean => ADDRESS.test(text);

/** `10.0.0.0/8`, with nothing set behind the prefix. */
export function isCidr(text: string): boolean {
  const [address = '', bits = '', rest] = text.split('/');
  if (rest !== undefined || !isAddress(address) || !/^([0-9]|[12]\d|3[0-2])$/.test(bits)) return false;
  return toNumber(address) % 2 ** (32 - Number(bits)) === 0;
}

/** A range of addresses, both ends included, or which rule it breaks. */
export function readRange({ startip, endip, gateway, netmask }: RangeText): Range | { problem: string } {
  for (const [name, text] of Object.entries({ startip, endip, gateway, netmask }))
    if (!isAddress(text)) return { problem: `${name} must be an IPv4 address, found "${text}"` };
  const bits = prefixOf(netmask);
  if (bits === undefined || bits < 8 || bits > 30)
    return { problem: `netmask must be one from 255.0.0.0 to 255.255.255.252, found ${netmask}` };
  const [start, end, router] = [toNumber(startip), toNumber(endip), toNumber(gateway)];
  if (start > end) return { problem: `startip ${startip} comes after endip ${endip}` };
  const size = 2 ** (32 - bits);
  const base = Math.floor(router / size) * size;
  for (const [name, value] of [
    ['startip', start],
    ['endip', end],
  ] as const)
    // prettier-ignore
    if (Math.floor(value / size) * size !== base)
      return { problem: `${name} ${toAddress(value)} is not in the network ${toAddress(base)}/${bits} of the gateway ${gateway}` };
  if (router >= start && router <= end)
    return { problem: `the gateway ${gateway} is one of the addresses of the range` };
  if (start === base || end === base + size - 1)
    return {
      problem: `the range holds the first or last address of ${toAddress(base)}/${bits}, which no machine can have`,
    };
  if (end - start + 1 > MOST_ADDRESSES)
    return {
      problem: `the range has ${end - start + 1} addresses: at most ${MOST_ADDRESSES} (a /20) can be added at once`,
    };
  return { start, end };
}

export const overlaps = (a: Range, b: Range): boolean => a.start <= b.end && b.start <= a.end;

export function rangeOf(cidr: string): Range {
  const { base, bits } = parseCidr(cidr);
  return { start: base, end: base + 2 ** (32 - bits) - 1 };
}

export function* addressesOf({ start, end }: Range): Generator<string> {
  for (let value = start; value <= end; value++) yield toAddress(value);
}

function prefixOf(netmask: string): number | undefined {
  const bits = toNumber(netmask).toString(2).padStart(32, '0');
  return /^1*0*$/.test(bits) ? bits.replace(/0/g, '').length : undefined;
}
