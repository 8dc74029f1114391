import { createHash } from 'node:crypto';
import type { Clusters } from './clusters.js';
import type { Guest, Guests } from './guests.js';
import type { Symbol8 } from './profiles.js';
import type { Domain, Zone } from './zone.js';

/** A machine while one subcommand of `cks-node` works on it. */
export interface Work {
  key: string;
  domain: Domain;
  guest: Guest;
  input: Record<string, string>;
  phase?: string;
}
/** `nothing`: it is so already. `fail`: what the program prints last. `seconds`: what the work will take. */
export type Outlook = { nothing: Record<string, unknown> } | { fail: string } | { seconds: number; phase?: string };
/** `again`: more time is needed, then it is finished again. `guest`: what the work left on the machine. */
export type Outcome = Success | { fail: string } | { again: number };
export interface Success {
  result: Record<string, unknown>;
  guest: Guest;
  /** What else is to be true at the same moment. */
  after?: () => void;
}

export interface Subcommand {
  /** Names that have to be in the input, and names that may be. */
  input: string[];
  optional?: string[];
  begin(work: Work): Outlook;
  finish(work: Work): Promise<Outcome> | Outcome;
}

/** What subcommands are made of. */
export interface Parts {
  zone: Zone;
  guests: Guests;
  clusters: Clusters;
}
export type Subcommands = Record<string, Subcommand>;

const YEAR_MS = 365 * 24 * 3600_000;

/** When certificates that are made now end. */
export const inAYear = (zone: Zone): number => zone.clock.calendar() + YEAR_MS;
export const digest = (text: string) => createHash('sha256').update(text).digest('hex');
export const spend = (zone: Zone, symbol: Symbol8): { seconds: number } => ({ seconds: zone.seconds(symbol) });

/** A medium of that version in a drive. A medium whose URL names no version is of any. */
export function hasMedium({ domains, isos }: Zone, { host, name }: Domain, version = ''): boolean {
  const media = domains.get(`${host}/${name}`)?.media.filter((one) => one.startsWith('iso-')) ?? [];
  return media.some((one) => {
    const found = /\d+\.\d+\.\d+/.exec(isos.get(`${host}/${one}`)?.url?.split('/').at(-1) ?? '')?.[0];
    return found === undefined || found === version;
  });
}

/** The cluster that this machine is a control node of, while its API server answers. */
export function clusterOf({ guest }: Pick<Work, 'guest'>, clusters: Clusters): { cluster: string } | { fail: string } {
  const { joined } = guest;
  if (joined?.role !== 'control') return { fail: 'this machine is not a control node' };
  const why = clusters.isExpired(joined.cluster)
    ? 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid'
    : 'the connection to the server was refused';
  const answers = clusters.isUp(joined.cluster) && !clusters.isExpired(joined.cluster);
  return answers ? { cluster: joined.cluster } : { fail: `the API server does not answer: ${why}` };
}
