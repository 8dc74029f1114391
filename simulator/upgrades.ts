import { guestKeyOf } from './guests.js';
import type { Symbol8 } from './profiles.js';
import { type Parts, type Subcommands, type Work, hasMedium, inAYear, spend } from './subcommand.js';

const MODES: Record<string, Symbol8> = { first: 't_kube_first', control: 't_kube_c', worker: 't_kube_w' };
const DAY_MS = 24 * 3600_000;
const told = (end: number): string => new Date(end).toISOString();

/** Below zero when `a` is older than `b`. */
const numbers = (version: string): number[] => version.replace(/^v/, '').split('.').map(Number);
const compare = (a: string, b: string): number =>
  numbers(a)
    .map((part, at) => part - (numbers(b)[at] ?? 0))
    .find((sign) => sign !== 0) ?? 0;
const minors = (from: string, to: string): number => (numbers(to)[1] ?? 0) - (numbers(from)[1] ?? 0);

/** What brings a node that is in a cluster to another version, and its certificates to another year. */
export function upgrades({ zone, clusters }: Parts): Subcommands {
  /** Why kubeadm would not upgrade this node now. */
  const refused = ({ guest, input }: Work): string | undefined => {
    const { version = '', mode = '' } = input;
    const { joined, installed = '' } = guest;
    if (!Object.hasOwn(MODES, mode)) return `mode is first, control or worker, not ${mode}`;
    if (!joined) return 'this node is in no cluster';
    if (!guest.staged?.includes(version)) return `version ${version} is not staged: run prestage first`;
    if ((joined.role === 'control') !== (mode !== 'worker'))
      return `this is a ${joined.role} node, the mode is ${mode}`;
    if (compare(version, installed) < 0) return `a downgrade from ${installed} to ${version} is not supported`;
    if (minors(installed, version) > 1)
      return `from ${installed} to ${version} is more than one minor version: kubeadm does not skip one`;
    if (!clusters.isUp(joined.cluster)) return 'the API server does not answer: connection refused';
    if (clusters.isExpired(joined.cluster)) return 'x509: certificate has expired or is not yet valid';
    const api = clusters.api(joined.cluster)?.version ?? '';
    if (mode === 'first') return undefined;
    if (compare(api, version) !== 0)
      return `the cluster runs ${api}, not ${version}: upgrade the first control node before this one`;
    const behind = clusters.controls(joined.cluster).find((one) => compare(one.installed ?? '', version) < 0);
    if (mode === 'worker' && behind)
      return `control node ${behind.hostName} runs ${behind.installed}: a kubelet may not be newer than it`;
    return undefined;
  };

  return {
    prestage: {
      input: ['version'],
      begin: ({ domain, guest, input }) => {
        const { version = '' } = input;
        if (guest.staged?.includes(version)) return { nothing: { version } };
        if (!hasMedium(zone, domain, version)) return { fail: `no medium of version ${version} is in a drive` };
        return spend(zone, 't_import');
      },
      finish: ({ domain, guest, input }) => {
        const { version = '' } = input;
        if (!hasMedium(zone, domain, version)) return { fail: `the medium of version ${version} was taken out` };
        return { result: { version }, guest: { ...guest, staged: [...(guest.staged ?? []), version] } };
      },
    },
    upgrade: {
      input: ['version', 'mode'],
      optional: ['network'],
      begin: (work) => {
        const { version, mode = '' } = work.input;
        if (work.guest.joined && work.guest.installed === version)
          return { nothing: { version, expires: told(work.guest.certificates ?? inAYear(zone)) } };
        const wrong = refused(work);
        if (wrong !== undefined) return { fail: wrong };
        return { seconds: zone.seconds(MODES[mode] ?? 't_kube') + zone.seconds('t_swap') };
      },
      finish: async (work) => {
        const wrong = refused(work);
        const { joined } = work.guest;
        if (wrong !== undefined || !joined) return { fail: wrong ?? 'this node is in no cluster' };
        const { version = '', network } = work.input;
        const readyAt = zone.clock.now() + zone.clock.ms(zone.seconds('t_back'));
        const certificates = joined.role === 'control' ? inAYear(zone) : undefined;
        if (joined.role === 'control') await clusters.api(joined.cluster)?.renew(zone.clock.calendar());
        const after = () => {
          if (network === 'yes') clusters.connectPods(joined.cluster);
          clusters.register(guestKeyOf(work.domain), true);
        };
        const guest = { ...work.guest, installed: version, certificates, joined: { ...joined, readyAt } };
        return { result: { version, expires: told(certificates ?? inAYear(zone)) }, guest, after };
      },
    },
    renew: {
      input: ['within_days'],
      begin: ({ guest, input }) => {
        const { certificates = inAYear(zone) } = guest;
        const days = Number(input['within_days']);
        if (!guest.joined) return { fail: 'this node is in no cluster' };
        if (!(days >= 0)) return { fail: `within_days is a number of days, not ${input['within_days']}` };
        const isDue = days > 0 && certificates <= zone.clock.calendar() + days * DAY_MS;
        if (isDue) return spend(zone, 't_conf');
        return { nothing: { expires: told(certificates), renewed: 'no' } };
      },
      finish: async ({ guest }) => {
        const certificates = inAYear(zone);
        await clusters.api(guest.joined?.cluster ?? '')?.renew(zone.clock.calendar());
        const result = { expires: told(certificates), renewed: 'yes' };
        return { result, guest: { ...guest, certificates } };
      },
    },
  };
}
