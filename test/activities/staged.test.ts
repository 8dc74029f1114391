import { MockActivityEnvironment } from '@temporalio/testing';
import type { Guests } from '../../activities/node/guest.js';
import { upgradeActivities } from '../../activities/node/upgrade.js';
import { mustReadCluster } from '../../db/clusters.js';
import { readNodes } from '../../db/nodes.js';
import type { VersionRow } from '../../db/rows.js';
import { fault } from '../../workflows/model/fault.js';
import type { FaultCode } from '../../workflows/model/faults.js';
import { onEachEngine } from '../db/engines.js';
import { makeWorld, reserveAll } from '../db/world.js';

const NODE = { role: 'control', index: 1 } as const;
const noted = (version: string) => ({
  data: { ClusterConfiguration: `apiVersion: kubeadm.k8s.io/v1beta4\nkubernetesVersion: ${version}\nproxy: {}\n` },
});

onEachEngine((engines) => {
  /** A cluster with one control node, and the reference of a step of its upgrade. */
  const demo = async () => {
    const world = await makeWorld(engines);
    const { db } = world;
    const cluster = await world.addCluster('demo', { controlNodes: 1, workers: 0 });
    await reserveAll(db, cluster.uuid);
    const [node] = await readNodes(db, cluster.uuid);
    return { db, cluster, node, ref: { operationId: 'o-1', clusterId: cluster.uuid, line: 7, undo: false } };
  };

  it.each<[string, FaultCode, string | null]>([
    ['that refuses its upgrade is staged again by a further attempt', 'NodeRefused', null],
    ['whose connection was lost keeps what was staged', 'NodeUnreachable', '1.34.4'],
  ])('a node %s', async (_, code, left) => {
    const { db, cluster, node, ref } = await demo();
    const staged = async () => (await readNodes(db, cluster.uuid))[0]!.staged_version;
    const steps = upgradeActivities({
      deps: { db, kubernetes: { open: () => Promise.reject(new Error('no answer')) } },
      open: () => Promise.resolve({ cluster, node }),
      runStep: () => Promise.resolve({}),
      run: () => Promise.reject(fault(code, 'it did not go')),
    } as unknown as Guests);

    await steps.stage(ref, NODE, '1.34.4');
    expect(await staged()).toBe('1.34.4');
    const upgrade = () => steps.upgrade(ref, NODE, '1.34.4', 'first');
    await expect(new MockActivityEnvironment().run(upgrade)).rejects.toThrow('it did not go');
    expect(await staged()).toBe(left);
  });

  it.each<[string, () => Promise<object>, boolean]>([
    ['still has the old version has no target', () => Promise.resolve(noted('v1.33.9')), false],
    ['has the new version keeps its target', () => Promise.resolve(noted('v1.34.4')), true],
    ['does not answer keeps its target', () => Promise.reject(new Error('connect ECONNREFUSED')), true],
  ])('after a refused upgrade of its first control node a cluster that %s', async (_, read, keeps) => {
    const { db, cluster, node, ref } = await demo();
    const version = await db<VersionRow>('kubernetes_supported_version').first();
    await db('kubernetes_supported_version').where({ uuid: version!.uuid }).update({ semantic_version: '1.34.4' });
    const target = async () => (await mustReadCluster(db, cluster.uuid)).target_version_id;
    const steps = upgradeActivities({
      deps: { db, kubernetes: { open: () => Promise.resolve({ readNamespacedConfigMap: read }) } },
      open: () => Promise.resolve({ cluster, node }),
      run: async () => {
        expect(await target()).toBe(version!.uuid);
        throw fault('NodeRefused', 'it did not go');
      },
    } as unknown as Guests);
    await expect(
      new MockActivityEnvironment().run(() => steps.upgrade(ref, NODE, '1.34.4', 'first', version!.uuid)),
    ).rejects.toThrow('it did not go');
    expect(await target()).toBe(keeps ? version!.uuid : null);
  });
});
