/** Names of nodes (`behaviour.md` §4.1). */
const HOST_LABEL = /^[a-z]([a-z0-9-]*[a-z0-9])?$/;

/** The prefix of a cluster's node names: its name where that is a host label, else what of it can be one. */
export function nodePrefix(clusterName: string, clusterId: string): string {
  const lower = clusterName.toLowerCase();
  if (lower.length <= 63 && HOST_LABEL.test(lower)) return trimmed(lower.slice(0, 43));
  const kept = lower.replace(/[^a-z0-9-]/g, '');
  return trimmed(`k8s-${kept === '' ? clusterId : kept}`.slice(0, 43));
}

const trimmed = (text: string) => text.replace(/-+$/, '');

/** `suffix`: 11 hexadecimal digits, random, since machines are made at the same time. */
export const nodeName = (prefix: string, role: 'control' | 'worker' | 'etcd', suffix: string, index = 1): string =>
  role === 'etcd'
    ? `${trimmed(prefix.slice(0, 35))}-etcd-${index}-${suffix}`
    : `${prefix}-${role === 'control' ? 'control' : 'node'}-${suffix}`;
