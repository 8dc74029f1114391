import type { Member } from './clusters.js';
import { type Guest, guestKeyOf } from './guests.js';
import { type Parts, type Subcommands, type Work, digest, hasMedium, inAYear, spend } from './subcommand.js';
import { verifies } from './etcd.js';

const CERTIFICATES_LIVE_MS = 2 * 3600 * 1000;
const REALISTIC_INSTALL_SECONDS = 90;

/** What the subcommands of `cks-node` would do on a real node, told to the simulated cluster instead. */
export function kubeadm({ zone, guests, clusters }: Parts): Subcommands {
  const joined = (work: Work, cluster: string, role: 'control' | 'worker'): Guest => {
    const at = zone.clock.now();
    const readyAt = at + zone.clock.ms(zone.seconds('t_rdy'));
    const certificates = role === 'control' ? inAYear(zone) : undefined;
    const name = work.input['name'] ?? work.guest.hostName;
    return { ...work.guest, certificates, joined: { cluster, role, name, at, readyAt } };
  };

  const stacked = ({ domain, guest, input }: Work): Member => {
    return { name: input['name'] ?? guest.hostName, guestKey: guestKeyOf(domain), dedicated: false };
  };

  /** The members that the endpoints are, once each runs and takes the client certificate. */
  const external = ({ domain, input }: Work): { fail: string } | { members: Member[] } => {
    const members: Member[] = [];
    for (const endpoint of (input['etcd_endpoints'] ?? '').split(',')) {
      const address = /^https:\/\/([\d.]+):2379$/.exec(endpoint)?.[1];
      const machine = address === undefined ? undefined : guests.at(domain.networkId, address);
      const etcd = guests.awake(machine)?.etcd;
      const failed = `[preflight] ${endpoint}: `;
      if (!machine || !etcd?.name) return { fail: `${failed}no etcd member answers there` };
      const { etcd_ca: ca, etcd_cert: cert, etcd_key: key } = input;
      const wrong = verifies({ ca, cert, key });
      if (wrong !== undefined) return { fail: failed + wrong };
      if (digest(ca ?? '') !== etcd.ca) return { fail: `${failed}certificate signed by unknown authority` };
      members.push({ name: etcd.name, guestKey: guestKeyOf(machine), dedicated: true });
    }
    return { members };
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
    if (clusters.isExpired(cluster))
      return { fail: `${identity}: tls: failed to verify certificate: x509: certificate has expired` };
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
      // etcd takes no member in while it does not hear one of its own.
      if (
        clusters
          .members(cluster)
          .some(({ name, dedicated, healthy }) => !dedicated && !healthy && name !== input['name'])
      )
        return {
          fail: 'error execution phase etcd-join: error creating local etcd static pod manifest file: etcdserver: unhealthy cluster',
        };
    }
    return { cluster };
  };

  return {
    install: {
      input: ['version', 'role'],
      optional: ['attempts', 'wait_seconds'],
      begin: ({ domain, guest, input }) => {
        const { version, role, attempts = '40', wait_seconds: wait = '15' } = input;
        const found = role === 'etcd' ? guest.etcd?.version : guest.installed;
        if (found === version) return { nothing: { version } };
        if (guest.joined && role !== 'etcd')
          return { fail: `this node is in a cluster with Kubernetes ${found}: install does not upgrade it` };
        if (hasMedium(zone, domain, version)) return spend(zone, role === 'etcd' ? 't_conf' : 't_inst');
        // A guest's patience runs at the pace of the profile, as its installation does.
        const patience = Number(attempts) * Number(wait) || 0;
        return { seconds: (patience * zone.seconds('t_inst')) / REALISTIC_INSTALL_SECONDS, phase: 'waiting' };
      },
      finish: ({ domain, guest, input, phase }) => {
        const { version = '', role, attempts = '40' } = input;
        if (!hasMedium(zone, domain, version))
          return { fail: `no medium labelled CDROM (iso-…) of ${version} was found in ${attempts} attempts` };
        if (phase === 'waiting') return { again: zone.seconds('t_inst') };
        const left = role === 'etcd' ? { etcd: { ...guest.etcd, version } } : { installed: version };
        return { result: { version }, guest: { ...guest, ...left } };
      },
    },
    init: {
      input: ['version', 'name', 'address', 'endpoint', 'pod_cidr'],
      optional: ['etcd_endpoints', 'etcd_ca', 'etcd_cert', 'etcd_key', 'network'],
      begin: (work) => {
        const { domain, guest, input } = work;
        const own = guest.joined?.role === 'control' ? clusters.api(guest.joined.cluster) : undefined;
        if (own) return { nothing: { ca_hash: own.caHash } };
        if (guest.installed !== input['version'])
          return { fail: `kubeadm ${input['version']} is not installed (found ${guest.installed ?? 'none'})` };
        if (clusters.hasControls(domain.clusterId))
          return { fail: `simulated cluster ${domain.clusterId} was initialised on another machine already` };
        const etcd = input['etcd_endpoints'] ? external(work) : { members: [] };
        return 'fail' in etcd ? etcd : spend(zone, 't_init');
      },
      finish: async (work) => {
        const { version = '', address = '', endpoint = '', network } = work.input;
        const { clusterId, networkId } = work.domain;
        const sans = [endpoint.split(':')[0] ?? '', address, work.guest.hostName];
        const etcd = work.input['etcd_endpoints'] ? external(work) : { members: [stacked(work)] };
        if ('fail' in etcd) return etcd;
        const more = { ...etcd, networked: network !== 'no' };
        await clusters.create(clusterId, networkId, { clusterName: clusterId, version, endpoint, sans }, more);
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
      optional: ['certificate_key'],
      begin: (work) => {
        const { joined: before } = work.guest;
        // One whose Node was deleted is reset and joins anew, as cks-node has it.
        if (before && clusters.api(before.cluster)?.hasNode(before.name)) return { nothing: {} };
        const check = preflight(work);
        return 'fail' in check ? check : spend(zone, work.input['role'] === 'control' ? 't_cp' : 't_join');
      },
      finish: (work) => {
        const check = preflight(work);
        if ('fail' in check) return check;
        const isControl = work.input['role'] === 'control';
        const guest = joined(work, check.cluster, isControl ? 'control' : 'worker');
        const bringsMember = isControl && clusters.members(check.cluster).every(({ dedicated }) => !dedicated);
        const after = () => {
          if (bringsMember) clusters.setMember(check.cluster, stacked(work));
          clusters.register(guestKeyOf(work.domain));
        };
        return { result: {}, guest, after };
      },
    },
    reset: {
      input: [],
      begin: ({ guest }) => (guest.joined ? spend(zone, 't_reset') : { nothing: {} }),
      finish: ({ domain, guest }) => {
        const { joined: left, certificates: _ended, ...rest } = guest;
        const after = () => {
          // As kubeadm does it: the node's own member goes, and a member that etcd does not let go is left behind.
          const { cluster = '', name = '' } = left ?? {};
          const key = guestKeyOf(domain);
          const own = clusters.members(cluster).some((one) => one.guestKey === key);
          if (own && clusters.hasQuorum(cluster, name)) clusters.removeMember(cluster, name);
          clusters.unregister(key, guest, true);
        };
        return { result: {}, guest: rest, after };
      },
    },
  };
}
