import { readNodes, setBackNode, setPower } from '../db/nodes.js';
import type { HostRow } from '../db/rows.js';
import type { Deps } from './deps.js';

/**
 * Brings rows to what hosts say: a machine that is gone has to be made again, one that is off has to be started. A host that does not
 * answer is met by the step that needs it.
 */
export async function surveyNodes({ db, openHypervisor, log }: Deps, clusterId: string): Promise<void> {
  const nodes = (await readNodes(db, clusterId)).filter(
    (node) => node.external_node === 0 && node.phase !== 'reserved',
  );
  const hosts = await db<HostRow>('host').whereIn('uuid', [...new Set(nodes.flatMap(({ host_id }) => host_id ?? []))]);
  await Promise.all(
    hosts.map(async (host) => {
      let seen: Map<string, string>;
      try {
        seen = new Map((await openHypervisor(host).listDomains()).map(({ name, state }) => [name, state]));
      } catch (error) {
        log.warn({ host: host.name, error: String(error) }, 'could not look at the machines of a host');
        return;
      }
      for (const node of nodes.filter(({ host_id }) => host_id === host.uuid)) {
        const state = seen.get(node.instance_name);
        if (state === undefined) await setBackNode(db, node, 'reserved');
        else await setPower(db, node.vm_id, state === 'running' ? 'Running' : 'Stopped');
      }
    }),
  );
}
