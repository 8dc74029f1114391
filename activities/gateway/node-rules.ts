import type { FirewallRuleRow } from '../../db/rows.js';
import { API_PORT, FIRST_SSH_PORT } from '../../workflows/model/network-rules.js';

export interface RuledNode {
  vm_id: string;
  role: 'control' | 'worker' | 'etcd';
  external_node: number;
}
type Forwarded = Pick<FirewallRuleRow, 'vm_id' | 'start_port' | 'end_port' | 'user_made'>;

export interface WantedRules {
  /** Forwards to port 22 that are missing. */
  forwards: { vmId: string; port: number }[];
  /** Firewall rules of one port, for nodes that the common range does not cover. */
  singles: { vmId: string; port: number }[];
  /** Last port of the one rule that begins at 2222 and covers the regular nodes. */
  lastPort: number;
}

/**
 * Ports of nodes that have none yet (`behaviour.md` §4.3): regular nodes get the lowest free one from 2222 on, external nodes one after all
 * regular nodes, etcd nodes one from `etcdStart` on. What a node has stays its own, whoever comes or goes.
 */
export function wantedRules(
  nodes: readonly RuledNode[],
  present: readonly Forwarded[],
  etcdStart: number,
): WantedRules {
  const taken = present.map(({ start_port, end_port }) => ({ from: start_port, to: end_port }));
  const portOf = new Map(
    present.flatMap((rule) =>
      rule.vm_id !== null && rule.user_made === 0 ? [[rule.vm_id, rule.start_port] as const] : [],
    ),
  );
  const wanted: WantedRules = { forwards: [], singles: [], lastPort: FIRST_SSH_PORT };
  const isFree = (port: number) => port !== API_PORT && !taken.some(({ from, to }) => from <= port && port <= to);
  const give = (node: RuledNode, first: number): number => {
    const found = portOf.get(node.vm_id);
    if (found !== undefined) return found;
    let port = first;
    while (!isFree(port)) port++;
    taken.push({ from: port, to: port });
    wanted.forwards.push({ vmId: node.vm_id, port });
    return port;
  };
  const regular = nodes.filter((node) => node.role !== 'etcd' && node.external_node === 0);
  for (const node of regular) wanted.lastPort = Math.max(wanted.lastPort, give(node, FIRST_SSH_PORT));
  for (const node of nodes.filter((one) => one.role !== 'etcd' && one.external_node === 1))
    wanted.singles.push({ vmId: node.vm_id, port: give(node, wanted.lastPort + 1) });
  for (const node of nodes.filter(({ role }) => role === 'etcd'))
    wanted.singles.push({ vmId: node.vm_id, port: give(node, etcdStart) });
  return wanted;
}
