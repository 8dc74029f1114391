import { lookup as dnsLookup } from 'node:dns/promises';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { fault } from '../../workflows/model/fault.js';

export interface Address {
  address: string;
  family: 4 | 6;
}
export type Lookup = (host: string) => Promise<Address[]>;
export const lookup: Lookup = async (host) => (await dnsLookup(host, { all: true })) as Address[];

type Range = readonly [network: string, bits: number];

const listOf = (ranges: readonly Range[]): BlockList => {
  const list = new BlockList();
  for (const [network, bits] of ranges) list.addSubnet(network, bits, isIPv6(network) ? 'ipv6' : 'ipv4');
  return list;
};
const LOOPBACK = listOf([['127.0.0.0', 8], ['::1', 128]]); // prettier-ignore
/**
 * Never a mirror. The last four carry an IPv4 address inside (translated, 6to4, compatible, Teredo), which would have to be looked at
 * too: nobody serves images there.
 */
const FORBIDDEN: readonly (readonly [what: string, list: BlockList])[] = [
  ['unspecified', listOf([['0.0.0.0', 8], ['::', 128]])],
  ['link-local', listOf([['169.254.0.0', 16], ['fe80::', 10]])],
  ['multicast or reserved', listOf([['224.0.0.0', 3], ['ff00::', 8]])],
  ['of a transition mechanism', listOf([['64:ff9b::', 96], ['64:ff9b:1::', 48], ['2002::', 16], ['::', 96], ['2001::', 32]])],
]; // prettier-ignore
const PRIVATE = listOf([
  ['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['100.64.0.0', 10], ['198.18.0.0', 15], ['192.0.0.0', 24], ['fc00::', 7], ['fec0::', 10],
]); // prettier-ignore

const has = (list: BlockList, { address, family }: Address) => list.check(address, family === 6 ? 'ipv6' : 'ipv4');

/** A part of this service by the names it is reached under: its own database must not be asked for a template. */
export interface OwnPart {
  host: string;
  port: number;
}

export interface AddressRules {
  /** Value of `cks.download.cidrs`. */
  privateRanges: string;
  own: readonly OwnPart[];
  /** Servers on this machine are allowed too, but for this service's own parts. */
  loopback?: boolean;
  lookup: Lookup;
}

function rangesOf(text: string): BlockList {
  const cidrs = text.split(',').map((each) => each.trim()).filter(Boolean); // prettier-ignore
  return listOf(
    cidrs.map((cidr): Range => {
      const [network = '', bits = ''] = cidr.split('/');
      const most = isIP(network) === 6 ? 128 : 32;
      if (isIP(network) === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > most)
        throw fault('DownloadRefused', `setting cks.download.cidrs: expected ranges such as 10.20.0.0/16, found "${cidr}"`); // prettier-ignore
      return [network, Number(bits)];
    }),
  );
}

const machineAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));

async function ownAddress({ address }: Address, port: number, { own, lookup }: AddressRules): Promise<boolean> {
  const sharing = own.filter((part) => part.port === port);
  if (sharing.length === 0) return false;
  if (machineAddresses().includes(address)) return true;
  const theirs = await Promise.all(sharing.map(({ host }) => lookup(host).catch(() => [])));
  return theirs.flat().some((each) => each.address === address);
}

/**
 * The addresses that the URL's host has now, each of them allowed; the connection is made to one of these and to no other.
 * `DownloadRefused` names the first one that is not allowed, `DownloadFailed` a name that does not resolve.
 */
export async function allowedAddresses(url: URL, rules: AddressRules): Promise<Address[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const version = isIP(host);
  const addresses: Address[] = version
    ? [{ address: host, family: version as 4 | 6 }]
    : await rules.lookup(host).catch((error: NodeJS.ErrnoException) => {
        throw fault('DownloadFailed', `the name ${host} does not resolve: ${error.code ?? error.message}`);
      });
  const allowed = rangesOf(rules.privateRanges);
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  for (const each of addresses) {
    const where = version ? each.address : `${host} (${each.address})`;
    const refuse = (why: string) => fault('DownloadRefused', `images are not fetched from ${where}: ${why}`);
    if (has(LOOPBACK, each)) {
      if (!rules.loopback) throw refuse('the address is loopback');
    } else {
      const kind = FORBIDDEN.find(([, list]) => has(list, each))?.[0];
      if (kind !== undefined) throw refuse(`the address is ${kind}`);
      if (has(PRIVATE, each) && !has(allowed, each))
        throw refuse('the address is private, and no range of setting cks.download.cidrs holds it');
    }
    if (await ownAddress(each, port, rules)) throw refuse(`port ${port} there belongs to this service`);
  }
  if (addresses.length === 0) throw fault('DownloadFailed', `the name ${host} has no address`);
  return addresses;
}
