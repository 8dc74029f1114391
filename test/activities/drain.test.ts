import { ApiException, type CoreV1Api, type V1Pod } from '@kubernetes/client-node';
import { MockActivityEnvironment } from '@temporalio/testing';
import { drainNode } from '../../activities/kubernetes/drain.js';

/** A node with one pod. Its kubelet ends what is evicted when it is ready; else nobody does, and the pod stays on its way out. */
function drain(ready: 'True' | 'False' | 'Unknown' | 'gone', graceMs = 100) {
  const pod: V1Pod = { metadata: { name: 'web-1', namespace: 'shop', uid: '1' } };
  let pods = [pod];
  let evictions = 0;
  let ended = 0;
  const api = {
    patchNode: () => Promise.resolve({}),
    readNode: () =>
      ready === 'gone'
        ? Promise.reject(new ApiException(404, 'Not Found', undefined, {}))
        : Promise.resolve({ status: { conditions: [{ type: 'Ready', status: ready }] } }),
    listPodForAllNamespaces: () => Promise.resolve({ items: pods }),
    createNamespacedPodEviction: () => {
      evictions++;
      pod.metadata!.deletionTimestamp = new Date(Date.now() + graceMs);
      if (ready === 'True')
        setTimeout(() => {
          pods = [];
          ended = Date.now();
        }, 4 * graceMs);
      return Promise.resolve();
    },
  } as unknown as CoreV1Api;
  const now = Date.now();
  const env = new MockActivityEnvironment({
    scheduleToCloseTimeoutMs: 5000,
    scheduledTimestampMs: now,
    currentAttemptScheduledTimestampMs: now,
  });
  const ends = env.run(() => drainNode(api, 'w-1', 20, () => Promise.resolve()));
  return { ends, told: () => ({ evictions, ended, grace: pod.metadata!.deletionTimestamp!.getTime() }) };
}

test.each(['False', 'Unknown', 'gone'] as const)(
  'a node whose kubelet does not end what is evicted, ready: %s, is drained when the grace period is over',
  async (ready) => {
    const { ends, told } = drain(ready);
    await ends;
    expect(told().evictions).toBe(1);
    expect(Date.now()).toBeGreaterThan(told().grace);
  },
);

test('a pod on a node that is ready is waited for beyond its grace period', async () => {
  const { ends, told } = drain('True');
  await ends;
  expect(told().evictions).toBe(1);
  expect(told().ended).toBeGreaterThan(told().grace);
});

test('a pod on a node that is not ready has its grace period', async () => {
  await expect(drain('Unknown', 60_000).ends).rejects.toMatchObject({
    type: 'EvictionRefused',
    message: expect.stringContaining('pods of w-1 are still ending: shop/web-1') as string,
  });
});
