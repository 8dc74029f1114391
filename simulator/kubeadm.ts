import { createHash } from 'node:crypto';
import type { Clusters } from './clusters.js';
import type { Guest, Guests } from './guests.js';
import { guestKeyOf } from './guests.js';
import type { Symbol8 } from './profiles.js';
import type { Domain, Zone } from './zone.js';

/** A machine while one subcommand of `cks-node` works on it. */
export interface Work {
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
  /** Names that have to be in the input. */
  input: string[];
  begin(work: Work): Outlook;
  finish(work: Work): Promise<Outcome> | Outcome;
}

const CERTIFICATES_LIVE_MS = 2 * 3600 * 1000;
const REALISTIC_INSTALL_SECONDS = 90;
const digest = (text: string) => createHash('sha256').update(text).digest('hex');

/** What the subcommands of `cks-node` would do on a real node, told to the simulated cluster instead. */
export function subcommands(zone: Zone, guests: Guests, clusters: Clusters): Record<string, Subcommand> {
  const spend = (symbol: Symbol8): Outlook => ({ seconds: zone.seconds(symbol) });
  const hasMedium = (domain: Domain) =>
    zone.domains.get(`${domain.host}/${domain.name}`)?.media.some((one) => one.startsWith('iso-'));

  const joined = (work: Work, cluster: string, role: 'control' | 'worker'): Guest => {
    const at = zone.clock.now();
    const readyAt = at + zone.clock.ms(zone.seconds('t_rdy'));
    return { ...work.guest, joined: { cluster, role, name: work.input['name'] ?? work.guest.hostName, at, readyAt } };
  };

  /** Why kubeadm would not let this machine in, or the cluster that it would join. */
  const preflight = ({ domain, guest, input }: Work): { fail: string } | { cluster: string } => {
    const { endpoint = '', token = '', ca_hash: caHash, certificate_key: certificateKey = '' } = input;
    const cluster = clusters.reachedFrom(domain, endpoint);
    const api = cluster === undefined ? undefined : clusters.api(cluster);
    const identity = "error execution phase preflight: couldn't validate the identity of the API Server";
    if (!guest.installed) return { fail: 'kubeadm: command not found: install a version first' };
    if (cluster === undefined || !api)
      return {
        fail: `${identity}: Get "https://${endpoint}/api/v1/namespaces/kube-public/configmaps/cluster-info": dial tcp ${endpoint}: connect: connection refused`,
      };
    if (!api.checkToken(token))
      return {
        fail: `${identity}: could not find a JWS signature in the cluster-info ConfigMap for token ID "${token.split('.')[0]}"`,
      };
    if (api.caHash !== caHash)
      return {
        fail: `${identity}: cluster CA found in cluster-info ConfigMap is invalid: none of the public keys "${api.caHash}" are pinned`,
      };
    if (input['role'] === 'control') {
      const shared = clusters.shared.get(cluster);
      const download = 'error execution phase control-plane-prepare/download-certs: error downloading certs';
      if (!shared || shared.until <= zone.clock.now())
        return {
          fail: `${download}: error downloading the secret: Secret "kubeadm-certs" was not found in the "kube-system" Namespace. This Secret might have expired`,
        };
      if (shared.digest !== digest(certificateKey))
        return {
          fail: `${download}: error decoding secret data with provided key: cipher: message authentication failed`,
        };
    }
    return { cluster };
  };

  return {
    install: {
      input: ['version', 'role', 'attempts', 'wait_seconds'],
      begin: ({ domain, guest, input }) => {
        if (guest.installed === input['version']) return { nothing: { version: guest.installed } };
        if (hasMedium(domain)) return spend('t_inst');
        // A guest's patience runs at the pace of the profile, as its installation does.
        const patience = Number(input['attempts']) * Number(input['wait_seconds']) || 0;
        return { seconds: (patience * zone.seconds('t_inst')) / REALISTIC_INSTALL_SECONDS, phase: 'waiting' };
      },
      finish: ({ domain, guest, input, phase }) => {
        const { version = '', attempts } = input;
        if (!hasMedium(domain)) return { fail: `no medium labelled CDROM (iso-…) was found in ${attempts} attempts` };
        if (phase === 'waiting') return { again: zone.seconds('t_inst') };
        return { result: { version }, guest: { ...guest, installed: version } };
      },
    },
    init: {
      input: ['version', 'name', 'address', 'endpoint', 'pod_cidr'],
      begin: ({ domain, guest, input }) => {
        const own = guest.joined?.role === 'control' ? clusters.api(guest.joined.cluster) : undefined;
        if (own) return { nothing: { ca_hash: own.caHash } };
        if (guest.installed !== input['version'])
          return { fail: `kubeadm ${input['version']} is not installed (found ${guest.installed ?? 'none'})` };
        if (clusters.hasControls(domain.clusterId))
          return { fail: `simulated cluster ${domain.clusterId} was initialised on another machine already` };
        return spend('t_init');
      },
      finish: async (work) => {
        const { version = '', address = '', endpoint = '' } = work.input;
        const { clusterId, networkId } = work.domain;
        const sans = [endpoint.split(':')[0] ?? '', address, work.guest.hostName];
        await clusters.create(clusterId, networkId, { clusterName: clusterId, version, endpoint, sans });
        const after = () => {
          clusters.register(guestKeyOf(work.domain));
          clusters.save(clusterId);
        };
        return {
          result: { ca_hash: clusters.api(clusterId)?.caHash },
          guest: joined(work, clusterId, 'control'),
          after,
        };
      },
    },
    share: {
      input: ['certificate_key'],
      begin: ({ guest }) =>
        guest.joined?.role === 'control' ? { seconds: 0 } : { fail: 'this machine is not a control node' },
      finish: ({ guest, input }) => ({
        result: {},
        guest,
        after: () => {
          const key = {
            digest: digest(input['certificate_key'] ?? ''),
            until: zone.clock.now() + CERTIFICATES_LIVE_MS,
          };
          if (guest.joined) clusters.shared.put(guest.joined.cluster, key);
        },
      }),
    },
    join: {
      input: ['role', 'name', 'address', 'endpoint', 'token', 'ca_hash'],
      begin: (work) => {
        if (work.guest.joined && clusters.api(work.guest.joined.cluster)) return { nothing: {} };
        const check = preflight(work);
        return 'fail' in check ? check : spend(work.input['role'] === 'control' ? 't_cp' : 't_join');
      },
      finish: (work) => {
        const check = preflight(work);
        if ('fail' in check) return check;
        const guest = joined(work, check.cluster, work.input['role'] === 'control' ? 'control' : 'worker');
        return { result: {}, guest, after: () => clusters.register(guestKeyOf(work.domain)) };
      },
    },
    reset: {
      input: [],
      begin: ({ guest }) => (guest.joined ? spend('t_reset') : { nothing: {} }),
      finish: ({ domain, guest }) => {
        const { joined: _left, ...rest } = guest;
        return { result: {}, guest: rest, after: () => clusters.unregister(guestKeyOf(domain), guest, true) };
      },
    },
  };
}
