import { readNodeContext, readNodes, setBackNode } from '../db/nodes.js';
import type { Deps } from './deps.js';

/** Takes a node's phase back to what its host says: a machine that is gone or off has to be made or started again. */
export async function surveyNodes({ db, openHypervisor }: Deps, clusterId: string): Promise<void> {
  const nodes = await readNodes(db, clusterId);
  const seen = new Map<string, string>();
  const asked = new Set<string>();
  for (const node of nodes) {
    if (node.role === 'etcd' || node.phase === 'reserved') continue;
    const context = await readNodeContext(db, clusterId, { role: node.role, index: node.role_index });
    if (!context) continue;
    if (!asked.has(context.host.url)) {
      for (const domain of await openHypervisor(context.host.url).listDomains()) seen.set(domain.name, domain.state);
      asked.add(context.host.url);
    }
    const state = seen.get(node.instance_name);
    if (state === undefined) await setBackNode(db, node, 'reserved');
    else if (state !== 'running') await setBackNode(db, node, 'defined');
  }
}
