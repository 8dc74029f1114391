import { MockActivityEnvironment } from '@temporalio/testing';
import { ask } from '../../activities/kubernetes/ask.js';
import { until } from '../simulator/cluster-fixture.js';
import { KubernetesFixture } from './kubernetes-fixture.js';

describe('an API server that takes a request and never answers it', () => {
  let server: KubernetesFixture;
  beforeAll(async () => {
    server = await KubernetesFixture.start();
  }, 60_000);
  afterAll(() => server.stop());
  const hangs = (match: string, times: number) => server.zone.fault({ on: 'kubernetes', match, kind: 'hang', times });

  test('holds a request no longer than its limit, however many there were, and answers the next', async () => {
    const clients = server.clients(300);
    const api = await clients.open('c');
    // More than the connections that are kept: those that follow must find one that is free.
    await hangs('kubernetes.list.pods', 12);
    const hung = await Promise.allSettled(
      Array.from({ length: 12 }, () => ask('list all pods', () => api.listPodForAllNamespaces())),
    );
    expect(hung.map((one) => one.status === 'rejected' && String(one.reason))).toEqual(
      hung.map((): unknown =>
        expect.stringContaining('list all pods: the API server does not answer: it took too long'),
      ),
    );
    await fetch(`${server.zone.url}/control/faults`, { method: 'DELETE' });
    expect([...(await clients.nodes('c', 0)).keys()]).toEqual(['demo-control-1']);
  });

  test('lets go of the request of an activity that is cancelled', async () => {
    const clients = server.clients();
    await hangs('kubernetes.list.nodes', 1);
    const env = new MockActivityEnvironment();
    const api = await clients.open('c');
    const running = env.run(() => ask('list the nodes', () => api.listNode()));
    await until(async () => ((await (await fetch(`${server.zone.url}/control/faults`)).json()) as unknown[]).length, 0);
    env.cancel('CANCELLED');
    await expect(running).rejects.toThrow('does not answer');
    expect([...(await clients.nodes('c', 0)).keys()]).toEqual(['demo-control-1']);
  });
});
