import { makeWatched, nodeRows } from './facts.js';
import { describeStack, type Stack } from './stack.js';

const OK = { jobstatus: 1, jobresultcode: 0 };
interface Placed {
  vm_id: string;
  role: string;
  host_id: string;
  host: string;
}
const placed = (stack: Stack, id: string) =>
  stack.rows<Placed>(
    `SELECT m.vm_id, m.role, v.host_id, h.name AS host FROM kubernetes_cluster_vm_map m JOIN vm_instance v ON v.uuid = m.vm_id JOIN host h ON h.uuid = v.host_id WHERE m.cluster_id = ?`,
    id,
  );

/** It runs, with so many nodes: Kubernetes knows these and no other, what is left on the dead host among it. */
async function expectRuns(stack: Stack, id: string, count: number): Promise<void> {
  expect(stack.cluster(id)).toMatchObject({ state: 'Running', reason: null });
  const names = nodeRows(stack, id).map(({ name }) => name);
  expect(names).toHaveLength(count);
  const ready = await stack.kubectl(id, 'get', 'nodes', '--no-headers');
  expect(
    ready
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/).slice(0, 2))
      .sort(),
  ).toEqual(names.map((name) => [name, 'Ready']).sort());
}

describeStack('a host that never comes back', { profile: 'instant' }, (scenario) => {
  scenario(
    'gives its node up to a replacement and to a delete, and is forgotten itself once it is asked for by force',
    async (stack) => {
      await stack.call('updateConfiguration', { name: 'cks.host.down.seconds', value: '1' });
      const kept = await makeWatched(stack, 1, 1);
      const gone = await makeWatched(stack, 1, 4);
      const worker = placed(stack, kept).find(({ role }) => role === 'worker')!;
      const { host_id: id, host } = worker;
      // The second cluster is spread over all hosts.
      const lost = placed(stack, gone).filter((node) => node.host_id === id);
      expect(lost.length).toBeGreaterThan(0);
      await stack.fate(`hosts/${host}`, { down: true });
      for (const cluster of [kept, gone])
        await stack.until(`cluster ${cluster} is in Alert`, () => stack.cluster(cluster).state === 'Alert' || String(stack.cluster(cluster).state), 60, 100);
      expect(stack.cluster(kept).reason).toMatch(new RegExp(`host ${host} does not answer`));

      expect(await stack.run('replaceKubernetesNode', { id: kept, nodeid: worker.vm_id })).toMatchObject(OK);
      expect(placed(stack, kept).map((node) => node.host)).not.toContain(host);
      await expectRuns(stack, kept, 2);
      expect(await stack.run('deleteKubernetesCluster', { id: gone })).toMatchObject(OK);
      expect(stack.cluster(gone).state).toBe('Destroyed');

      await expect(stack.call('deleteHost', { id })).rejects.toThrow(/has machines: /);
      expect(await stack.call('deleteHost', { id, forced: 'true' })).toMatchObject({ success: true });
      expect(stack.rows('SELECT vm_id FROM host_reservation WHERE host_id = ?', id)).toEqual([]);
      expect(stack.rows('SELECT uuid FROM vm_instance WHERE host_id = ? AND removed IS NULL', id)).toEqual([]);
      expect(await stack.run('scaleKubernetesCluster', { id: kept, size: '2' })).toMatchObject(OK);
      await expectRuns(stack, kept, 3);
      expect(await stack.run('deleteKubernetesCluster', { id: kept })).toMatchObject(OK);
    },
    120,
  );
}); // prettier-ignore
