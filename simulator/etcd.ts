import { X509Certificate, createPrivateKey } from 'node:crypto';
import { type Parts, type Subcommands, type Work, digest, spend } from './subcommand.js';

/** What is wrong with a base64 PEM certificate for this address, by this authority, with this key; undefined when nothing is. */
export function verifies(input: { ca?: string; cert?: string; key?: string; address?: string }): string | undefined {
  const pem = (text = '') => Buffer.from(text, 'base64').toString('utf8');
  try {
    const authority = new X509Certificate(pem(input.ca));
    const own = new X509Certificate(pem(input.cert));
    if (!own.verify(authority.publicKey)) return 'certificate signed by unknown authority';
    if (!own.checkPrivateKey(createPrivateKey(pem(input.key)))) return 'private key does not match public key';
    if (input.address !== undefined && own.checkIP(input.address) === undefined)
      return `certificate is not valid for ${input.address}`;
    return undefined;
  } catch (error) {
    return `cannot read the certificates: ${error instanceof Error ? error.message : String(error)}`;
  }
}

const NAMES: Record<string, string[]> = {
  install: ['name', 'address', 'members', 'ca', 'cert', 'key'],
  health: [],
  save: [],
  remove: ['member'],
};
const BYTES_AT_LEAST = 4 << 20;

/** `cks-node etcd`: members on machines of their own, and what is asked of any member. */
export function etcd({ zone, clusters }: Parts): Subcommands {
  /** The cluster whose member this machine is: a stacked one, or one of its own. */
  const memberOf = ({ guest, domain }: Work): string | undefined =>
    guest.joined?.role === 'control' ? guest.joined.cluster : guest.etcd?.name && domain.clusterId;

  const refused = (work: Work): string | undefined => {
    const { action = '' } = work.input;
    const missing = NAMES[action]?.filter((name) => work.input[name] === undefined);
    if (!missing) return `unknown action ${action}`;
    if (missing.length > 0) return `etcd ${action} needs ${missing.join(', ')}`;
    const cluster = memberOf(work);
    if (action !== 'install') return cluster === undefined ? 'no etcd runs on this machine' : undefined;
    const { name = '', address = '', members = '' } = work.input;
    if (!work.guest.etcd) return '/opt/bin/etcd: No such file or directory';
    if (!members.split(',').includes(`${name}=https://${address}:2380`))
      return `${name}=https://${address}:2380 is not among the members`;
    return verifies({ ...work.input, address });
  };

  const remove = (work: Work): { fail: string } | { cluster: string; absent: boolean } => {
    const { member = '' } = work.input;
    const cluster = memberOf(work) ?? '';
    const absent = !clusters.members(cluster).some(({ name }) => name === member);
    if (!clusters.hasQuorum(cluster)) return { fail: 'etcdserver: request timed out, quorum is lost' };
    if (absent || clusters.hasQuorum(cluster, member)) return { cluster, absent };
    return { fail: 'etcdserver: re-configuration failed due to not enough started members' };
  };

  return {
    etcd: {
      input: ['action'],
      optional: Object.values(NAMES).flat(),
      begin: (work) => {
        const wrong = refused(work);
        if (wrong !== undefined) return { fail: wrong };
        const { action, name } = work.input;
        if (action === 'health') {
          const cluster = memberOf(work) ?? '';
          const members = clusters.members(cluster).map(({ name, healthy }) => ({ name, healthy }));
          return { nothing: { members, quorum: clusters.hasQuorum(cluster) } };
        }
        if (action === 'install' && work.guest.etcd?.name === name) return { nothing: {} };
        const removal = action === 'remove' ? remove(work) : undefined;
        if (removal && 'fail' in removal) return removal;
        return removal?.absent ? { nothing: {} } : spend(zone, 't_conf');
      },
      finish: (work) => {
        const { guest, input, key } = work;
        const { action, name = '', ca = '', member = '' } = input;
        if (action === 'install' && guest.etcd)
          return { result: {}, guest: { ...guest, etcd: { ...guest.etcd, name, ca: digest(ca) } } };
        if (action === 'save') {
          const bytes = BYTES_AT_LEAST + clusters.members(memberOf(work) ?? '').length * 4096;
          return { result: { file: `/var/lib/cks/etcd/${key}.db`, bytes }, guest };
        }
        const removal = remove(work);
        if ('fail' in removal) return removal;
        return { result: {}, guest, after: () => clusters.removeMember(removal.cluster, member) };
      },
    },
  };
}
