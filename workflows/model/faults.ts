/**
 * Every fault that the service can report: its wire code (`api.md` §1.7), whether an activity may retry it, and who can
 * mend it. Inside CKS commands the wire answers 530 with the fault's message (`api.md` §2.2): one place in `api/wire` does that.
 */
export interface FaultRule {
  wire: number;
  cs: number;
  retry: boolean;
  mend: 'user' | 'operator' | 'service';
  doc: string;
}

export const FAULTS = {
  BadParameter: {
    wire: 431,
    cs: 4350,
    retry: false,
    mend: 'user',
    doc: 'A parameter is missing, malformed or names nothing.',
  },
  Refused: {
    wire: 530,
    cs: 9999,
    retry: false,
    mend: 'user',
    doc: 'The request is well-formed but a rule forbids it now.',
  },
  PermissionDenied: { wire: 531, cs: 4365, retry: false, mend: 'user', doc: 'The caller may not touch this object.' },
  Unauthorized: {
    wire: 401,
    cs: 0,
    retry: false,
    mend: 'user',
    doc: 'Credentials, signature or session are not valid.',
  },
  ClusterBusy: { wire: 530, cs: 9999, retry: false, mend: 'user', doc: 'Another operation holds the cluster.' },
  CapacityExhausted: {
    wire: 533,
    cs: 4325,
    retry: false,
    mend: 'operator',
    doc: 'No host has the CPU or memory that was asked for.',
  },
  AddressesExhausted: {
    wire: 533,
    cs: 4320,
    retry: false,
    mend: 'operator',
    doc: 'The zone has no free public address or network number.',
  },
  NetworkRuleConflict: {
    wire: 537,
    cs: 4360,
    retry: false,
    mend: 'user',
    doc: 'Another rule, or a cluster, has the port of this address already.',
  },
  HostUnreachable: {
    wire: 534,
    cs: 4380,
    retry: true,
    mend: 'operator',
    doc: 'A hypervisor or gateway host does not answer.',
  },
  HostIdentity: {
    wire: 530,
    cs: 4250,
    retry: false,
    mend: 'operator',
    doc: 'A hypervisor host did not prove who it is: its SSH host key or certificate is unknown or another one.',
  },
  HypervisorFailed: {
    wire: 530,
    cs: 4250,
    retry: true,
    mend: 'operator',
    doc: 'A hypervisor refused or failed an action.',
  },
  HypervisorRefused: {
    wire: 530,
    cs: 4250,
    retry: false,
    mend: 'operator',
    doc: 'A hypervisor refused an action for good.',
  },
  GatewayFailed: { wire: 530, cs: 4250, retry: true, mend: 'operator', doc: 'A gateway failed to apply a network.' },
  NodeUnreachable: { wire: 530, cs: 4250, retry: true, mend: 'operator', doc: 'A node does not answer on SSH.' },
  NodeIdentity: {
    wire: 530,
    cs: 4250,
    retry: false,
    mend: 'operator',
    doc: 'A node showed an SSH host key that is not the one it was made with.',
  },
  NodeFailed: {
    wire: 530,
    cs: 4250,
    retry: true,
    mend: 'operator',
    doc: 'A program on a node failed; the next attempt may pass.',
  },
  NodeRefused: { wire: 530, cs: 4250, retry: false, mend: 'operator', doc: 'A program on a node failed for good.' },
  KubernetesUnreachable: {
    wire: 530,
    cs: 4250,
    retry: true,
    mend: 'operator',
    doc: "A cluster's API server does not answer.",
  },
  KubernetesRefused: {
    wire: 530,
    cs: 4250,
    retry: false,
    mend: 'operator',
    doc: "A cluster's API server refused a request for good.",
  },
  EvictionRefused: {
    wire: 530,
    cs: 4250,
    retry: true,
    mend: 'user',
    doc: 'A disruption budget does not let pods be evicted; the message names them.',
  },
  WorkloadLost: {
    wire: 530,
    cs: 4250,
    retry: true,
    mend: 'user',
    doc: 'Pods that were ready before a node was taken out are not ready any more.',
  },
  EtcdUnhealthy: {
    wire: 530,
    cs: 4250,
    retry: true,
    mend: 'operator',
    doc: "The cluster's etcd has no quorum, or would lose it.",
  },
  StepTimeout: { wire: 530, cs: 4250, retry: false, mend: 'operator', doc: 'A step took longer than its limit.' },
  OperationTimeout: {
    wire: 530,
    cs: 4250,
    retry: false,
    mend: 'operator',
    doc: 'The operation took longer than its setting allows.',
  },
  Cancelled: { wire: 530, cs: 9999, retry: false, mend: 'user', doc: 'The operation was cancelled on request.' },
  Superseded: { wire: 530, cs: 9999, retry: false, mend: 'user', doc: 'A delete took over the cluster.' },
  RunLost: {
    wire: 530,
    cs: 4250,
    retry: false,
    mend: 'service',
    doc: "The operation's Temporal run was terminated, reset or lost; resume continues it.",
  },
  DownloadFailed: {
    wire: 530,
    cs: 4250,
    retry: true,
    mend: 'operator',
    doc: 'A template or medium could not be fetched; the next attempt may pass, and goes on where this one stopped.',
  },
  DownloadRefused: {
    wire: 530,
    cs: 4250,
    retry: false,
    mend: 'user',
    doc: 'A template or medium cannot be used: forbidden address, wrong checksum, too large, too slow, not there, or not what it should be.',
  },
  DatabaseFailed: {
    wire: 530,
    cs: 4250,
    retry: true,
    mend: 'operator',
    doc: 'The service database did not take a statement.',
  },
  NotHolder: {
    wire: 530,
    cs: 9999,
    retry: false,
    mend: 'service',
    doc: 'A worker that was cut off tried to act for an operation that has ended.',
  },
  Internal: { wire: 530, cs: 4250, retry: false, mend: 'service', doc: 'A mistake in the service itself.' },
} as const satisfies Record<string, FaultRule>;

export type FaultCode = keyof typeof FAULTS;

export const isFaultCode = (text: unknown): text is FaultCode =>
  typeof text === 'string' && Object.hasOwn(FAULTS, text);
