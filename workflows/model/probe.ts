import type { ZoneQueue } from './zone-queue.js';

/** What a worker is asked to look at: a host whose row is there, or the SSH host key that something shows. */
export type ProbeRequest = { hostId: string; queue?: ZoneQueue } | { address: string; port: number };

export interface HostCapacity {
  hypervisor: string;
  arch: string;
  cpus: number;
  ramMb: number;
}

/** `key`: the public key in one line, `ssh-ed25519 AAAA…`. */
export type ProbeAnswer = { facts: HostCapacity } | { key: string; fingerprint: string };

/** Longest time that a caller waits for a look at a host. */
export const PROBE_SECONDS = 30;
