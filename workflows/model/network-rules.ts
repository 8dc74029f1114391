import { parseCidr, toAddress, toNumber, type Cidr } from './addresses.js';
import { fault } from './fault.js';

/** What users' networks and rules must be like. Everything here throws `BadParameter` that names the parameter and what was expected. */

export const ANYWHERE = '0.0.0.0/0';
/** Of a cluster: its API server, and SSH to its nodes one by one. */
export const API_PORT = 6443;
export const FIRST_SSH_PORT = 2222;

export const isAddress = (text: string): boolean =>
  /^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text) && text.split('.').every((part) => Number(part) <= 255);

export function isCidr(text: string): boolean {
  const [address = '', bits = '', more] = text.split('/');
  return more === undefined && isAddress(address) && /^\d{1,2}$/.test(bits) && Number(bits) <= 32;
}

export const sizeOf = ({ bits }: Cidr): number => 2 ** (32 - bits);
/** The CIDR with the bits of its hosts cleared. */
export function wholeCidr(text: string): string {
  const cidr = parseCidr(text);
  return `${toAddress(cidr.base - (cidr.base % sizeOf(cidr)))}/${cidr.bits}`;
}

export function cidrsOverlap(one: string, other: string): boolean {
  const [a, b] = [parseCidr(wholeCidr(one)), parseCidr(wholeCidr(other))];
  return a.base < b.base + sizeOf(b) && b.base < a.base + sizeOf(a);
}
export const cidrWithin = (inner: string, outer: string): boolean =>
  parseCidr(inner).bits >= parseCidr(outer).bits && cidrsOverlap(inner, outer);
export const addressWithin = (address: string, cidr: string): boolean => cidrsOverlap(`${address}/32`, cidr);

/**
 * The bridge that the operator made on each host for a shared network: the one that was named, or the one of its VLAN. Null for
 * networks that the zone joins by itself.
 */
export function operatorsBridge(network: {
  guest_type: string;
  bridge: string | null;
  vlan: string | null;
}): string | null {
  if (network.guest_type !== 'Shared') return null;
  return network.bridge ?? (network.vlan === null ? null : `cksv${network.vlan}`);
}

export const DEFAULT_BRIDGE = 'cksbr0';
/** The bridge that the operator made for all networks of a zone of mode `bridge`; null for other zones. */
export const zoneBridge = (zone: { network_mode: string; bridge: string | null }): string | null =>
  zone.network_mode === 'bridge' ? (zone.bridge ?? DEFAULT_BRIDGE) : null;

/** Comma-separated sources as they are stored, each once and in order; `none` where none was given. */
export function readCidrs<T>(list: readonly string[] | undefined, parameter: string, none: T): string | T {
  if (!list || list.length === 0) return none;
  for (const cidr of list)
    if (!isCidr(cidr))
      throw fault('BadParameter', `Invalid value in ${parameter}: expected CIDRs such as 10.0.0.0/8, found "${cidr}"`);
  const text = [...new Set(list.map(wholeCidr))].sort().join(',');
  if (text.length > 2000) throw fault('BadParameter', `${parameter} holds too many CIDRs: at most 2000 characters`);
  return text;
}

export interface PortRange {
  from: number;
  to: number;
}

/** A range of ports; the end defaults to the start. */
export function readPorts(
  from: number | undefined,
  to: number | undefined,
  names: readonly [string, string],
): PortRange | undefined {
  if (from === undefined && to === undefined) return undefined;
  if (from === undefined) throw fault('BadParameter', `${names[1]} needs ${names[0]}`);
  const range = { from, to: to ?? from };
  for (const [port, name] of [
    [range.from, names[0]],
    [range.to, names[1]],
  ] as const)
    // prettier-ignore
    if (port < 1 || port > 65535)
      throw fault('BadParameter', `Invalid value for ${name}: expected a port from 1 to 65535, found ${port}`);
  if (range.to < range.from)
    throw fault('BadParameter', `${names[1]} (${range.to}) must not be below ${names[0]} (${range.from})`);
  return range;
}

export function readProtocol(given: string, allowed: readonly string[]): string {
  const protocol = given.trim().toLowerCase();
  if (!allowed.includes(protocol))
    throw fault('BadParameter', `Invalid protocol: expected ${allowed.join(', ')}, found "${given}"`);
  return protocol;
}

export interface Traffic {
  protocol: string;
  ports?: PortRange;
  icmpType?: number;
  icmpCode?: number;
}

/** Protocol with its ports or ICMP type, which exclude each other. */
export function readTraffic(asked: {
  protocol: string;
  startport?: number;
  endport?: number;
  icmptype?: number;
  icmpcode?: number;
}): Traffic {
  const protocol = readProtocol(asked.protocol, ['tcp', 'udp', 'icmp', 'all']);
  const ports = readPorts(asked.startport, asked.endport, ['startport', 'endport']);
  const icmp = asked.icmptype !== undefined || asked.icmpcode !== undefined;
  if (ports && protocol !== 'tcp' && protocol !== 'udp')
    throw fault('BadParameter', `Ports cannot be used with protocol ${protocol}: only tcp and udp have them`);
  if (icmp && protocol !== 'icmp')
    throw fault('BadParameter', `icmptype and icmpcode cannot be used with protocol ${protocol}`);
  for (const [value, name] of [
    [asked.icmptype, 'icmptype'],
    [asked.icmpcode, 'icmpcode'],
  ] as const)
    // prettier-ignore
    if (value !== undefined && (value < -1 || value > 255))
      throw fault('BadParameter', `Invalid value for ${name}: expected -1 (any) to 255, found ${value}`);
  if (protocol !== 'icmp') return { protocol, ...(ports && { ports }) };
  return { protocol, icmpType: asked.icmptype ?? -1, icmpCode: asked.icmpcode ?? -1 };
}

export interface RuleClaim extends PortRange {
  purpose: 'Firewall' | 'PortForwarding' | 'LoadBalancing';
  protocol: string;
  /** Firewall: where from; null: anywhere. */
  cidrs: string | null;
  icmp?: readonly [type: number | null, code: number | null];
  /** How a message names it. */
  name: string;
}

const meet = (a: PortRange, b: PortRange) => a.from <= b.to && b.from <= a.to;
const shareSource = (a: RuleClaim, b: RuleClaim) => {
  const sources = new Set((a.cidrs ?? ANYWHERE).split(','));
  return (b.cidrs ?? ANYWHERE).split(',').some((cidr) => sources.has(cidr));
};

/**
 * The rule of the same address that a new one cannot stand beside (`FirewallManagerImpl.detectRulesConflict` of the original):
 * firewall rules conflict with each other only, when protocol, ports and a source are shared; forwards and balancers
 * with each other when protocol and ports are.
 */
export function findConflict(wanted: RuleClaim, others: readonly RuleClaim[]): RuleClaim | undefined {
  return others.find((other) => {
    const firewall = wanted.purpose === 'Firewall';
    if (firewall !== (other.purpose === 'Firewall') || wanted.protocol !== other.protocol) return false;
    if (!firewall) return meet(wanted, other);
    if (!shareSource(wanted, other)) return false;
    if (wanted.protocol !== 'icmp') return meet(wanted, other);
    return wanted.icmp?.[0] === other.icmp?.[0] && wanted.icmp?.[1] === other.icmp?.[1];
  });
}

export interface GuestRange {
  cidr: string;
  gateway: string;
  netmask: string;
}

const SMALLEST_BITS = 28;
const LARGEST_BITS = 16;

/** The range of a network from its gateway and netmask. */
export function readGuestRange(gateway: string, netmask: string): GuestRange {
  if (!isAddress(gateway)) throw fault('BadParameter', `Invalid gateway: expected an IPv4 address, found "${gateway}"`);
  const inverse = isAddress(netmask) ? 2 ** 32 - toNumber(netmask) : 0;
  const bits = inverse > 0 ? 32 - Math.log2(inverse) : NaN;
  if (!Number.isInteger(bits))
    throw fault('BadParameter', `Invalid netmask: expected one such as 255.255.255.0, found "${netmask}"`);
  if (bits < LARGEST_BITS || bits > SMALLEST_BITS)
    throw fault('BadParameter', `Invalid netmask ${netmask}: a network is a /${LARGEST_BITS} at most and a /${SMALLEST_BITS} at least, found /${bits}`); // prettier-ignore
  const cidr = wholeCidr(`${gateway}/${bits}`);
  const offset = toNumber(gateway) - parseCidr(cidr).base;
  if (offset === 0 || offset === 2 ** (32 - bits) - 1)
    throw fault('BadParameter', `Invalid gateway ${gateway}: it is the first or last address of ${cidr}, which no machine may have`); // prettier-ignore
  if (cidrsOverlap(cidr, '127.0.0.0/8') || cidrsOverlap(cidr, '224.0.0.0/3') || cidrsOverlap(cidr, '0.0.0.0/8'))
    throw fault('BadParameter', `Invalid range ${cidr}: loopback, multicast and reserved addresses cannot be used`);
  return { cidr, gateway, netmask };
}

/** First and last address of a shared network's machines; both inside the range and without its gateway. */
export function readAddressRange(range: GuestRange, start: string, end: string): { startIp: string; endIp: string } {
  for (const [address, name] of [
    [start, 'startip'],
    [end, 'endip'],
  ] as const) {
    // prettier-ignore
    if (!isAddress(address))
      throw fault('BadParameter', `Invalid ${name}: expected an IPv4 address, found "${address}"`);
    if (!addressWithin(address, range.cidr))
      throw fault('BadParameter', `Invalid ${name} ${address}: it is not in ${range.cidr}`);
  }
  if (toNumber(end) < toNumber(start)) throw fault('BadParameter', `endip ${end} must not be below startip ${start}`);
  const gateway = toNumber(range.gateway);
  if (gateway >= toNumber(start) && gateway <= toNumber(end))
    throw fault('BadParameter', `The gateway ${range.gateway} must not be between startip ${start} and endip ${end}`);
  return { startIp: start, endIp: end };
}

export function readAlgorithm(given: string): string {
  const algorithm = given.trim().toLowerCase();
  if (!['source', 'roundrobin', 'leastconn'].includes(algorithm))
    throw fault('BadParameter', `Invalid algorithm: expected source, roundrobin or leastconn, found "${given}"`);
  return algorithm;
}
