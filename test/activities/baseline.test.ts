import { ApiException, type AppsV1Api, type CoreV1Api, type V1Pod } from '@kubernetes/client-node';
import { countReady, missing } from '../../activities/kubernetes/baseline.js';

interface Owned {
  owner?: [kind: string, name: string];
  ready?: boolean;
  phase?: string;
  leaving?: boolean;
}
const pod = ({ owner, ready = true, phase = 'Running', leaving = false }: Owned): V1Pod => ({
  metadata: {
    namespace: 'shop',
    ...(owner && { ownerReferences: [{ apiVersion: 'apps/v1', kind: owner[0], name: owner[1], uid: 'u' }] }),
    ...(leaving && { deletionTimestamp: new Date() }),
  },
  status: { phase, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});
const count = (...pods: Owned[]) =>
  countReady({ listPodForAllNamespaces: () => Promise.resolve({ items: pods.map(pod) }) } as unknown as CoreV1Api);

test('ready pods are counted by what keeps them, replica sets of one deployment together', async () => {
  const web: Owned = { owner: ['ReplicaSet', 'web-5d4f8c7b9d'] };
  const counts = await count(
    web,
    { ...web, owner: ['ReplicaSet', 'web-7c6d9f5b8c'] },
    { ...web, ready: false },
    { ...web, leaving: true },
    { owner: ['StatefulSet', 'db'] },
    { owner: ['DaemonSet', 'agent'] },
    { owner: ['Job', 'once'] },
    { owner: ['Node', 'control-1'] },
    {},
    { owner: ['StatefulSet', 'db'], phase: 'Succeeded' },
  );
  expect(counts).toEqual({ 'shop/ReplicaSet/web': 2, 'shop/StatefulSet/db': 1 });
});

/** What exists now: replicas by kind and name. */
const apps = (owners: Record<string, number>): AppsV1Api => {
  const read = (kind: string) => ({ namespace, name }: { namespace: string; name: string }) => {
    const replicas = owners[`${kind} ${namespace}/${name}`];
    return replicas === undefined ? Promise.reject(new ApiException(404, 'Not Found', {}, {})) : Promise.resolve({ spec: { replicas } });
  };
  return { readNamespacedDeployment: read('Deployment'), readNamespacedReplicaSet: read('ReplicaSet'), readNamespacedStatefulSet: read('StatefulSet') } as unknown as AppsV1Api;
}; // prettier-ignore

test.each<[string, Record<string, number>, Record<string, number>, Record<string, number>, string[]]>([
  ['as many are ready', { 'shop/ReplicaSet/web': 2 }, { 'shop/ReplicaSet/web': 3 }, {}, []],
  ['one is lost', { 'shop/ReplicaSet/web': 2 }, { 'shop/ReplicaSet/web': 1 }, { 'Deployment shop/web': 2 }, ['shop/ReplicaSet/web: 1 ready, 2 before']],
  ['its user made it smaller', { 'shop/ReplicaSet/web': 5 }, { 'shop/ReplicaSet/web': 2 }, { 'Deployment shop/web': 2 }, []],
  ['its user made it smaller, and one is lost', { 'shop/ReplicaSet/web': 5 }, { 'shop/ReplicaSet/web': 1 }, { 'Deployment shop/web': 2 }, ['shop/ReplicaSet/web: 1 ready, 5 before']],
  ['its user made it larger, which takes its time', { 'shop/StatefulSet/db': 1 }, { 'shop/StatefulSet/db': 1 }, { 'StatefulSet shop/db': 3 }, []],
  ['its user deleted it', { 'shop/StatefulSet/db': 3, 'shop/ReplicaSet/web': 1 }, {}, {}, []],
  ['a replica set has no deployment', { 'shop/ReplicaSet/bare': 2 }, {}, { 'ReplicaSet shop/bare': 2 }, ['shop/ReplicaSet/bare: 0 ready, 2 before']],
  ['only its own controller knows', { 'shop/Rollout/web': 2 }, { 'shop/Rollout/web': 1 }, {}, ['shop/Rollout/web: 1 ready, 2 before']],
])('of a workload is missed what it says when %s', async (_, before, now, owners, lost) => {
  expect(await missing(before, now, () => Promise.resolve(apps(owners)))).toEqual(lost);
}); // prettier-ignore
