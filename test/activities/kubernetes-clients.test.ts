import { MockActivityEnvironment } from '@temporalio/testing';
import { KubernetesClients } from '../../activities/kubernetes/clients.js';
import { ask } from '../../activities/kubernetes/ask.js';
import { Secret, writeSecret } from '../../db/secret.js';
import { Harness } from '../api/harness.js';
import { initInput, nodes, until } from '../simulator/cluster-fixture.js';
import { installInput, Shell, ZoneFixture } from './zone-fixture.js';

describe('an API server that takes a request and never answers it', () => {
  let zone: ZoneFixture;
  let h: Harness;
  let shell: Shell;
  beforeAll(async () => {
    [zone, h] = await Promise.all([ZoneFixture.start({ profile: 'instant', scale: 1 }), Harness.start()]);
    const { network } = await nodes(zone);
    shell = await Shell.wait(network.publicAddress, 2222);
    await shell.upload();
    await shell.run('install', 'install', installInput());
    await shell.run('init', 'init', initInput(network));
    const { line } = await shell.run('kubeconfig', 'look');
    const text = Buffer.from(String(line.result['kubeconfig']), 'base64').toString();
    await writeSecret(h.db, h.sealer, 'cluster/c', 'kubeconfig', new Secret(text));
  }, 60_000);
  afterAll(async () => {
    shell.close();
    await Promise.all([zone.stop(), h.stop()]);
  });
  const hangs = (match: string, times: number) => zone.fault({ on: 'kubernetes', match, kind: 'hang', times });

  test('holds a request no longer than its limit, however many there were, and answers the next', async () => {
    const clients = new KubernetesClients(h.db, h.sealer, 300);
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
    await fetch(`${zone.url}/control/faults`, { method: 'DELETE' });
    expect([...(await clients.nodes('c', 0)).keys()]).toEqual(['demo-control-1']);
  });

  test('lets go of the request of an activity that is cancelled', async () => {
    const clients = new KubernetesClients(h.db, h.sealer);
    await hangs('kubernetes.list.nodes', 1);
    const env = new MockActivityEnvironment();
    const api = await clients.open('c');
    const running = env.run(() => ask('list the nodes', () => api.listNode()));
    await until(async () => ((await (await fetch(`${zone.url}/control/faults`)).json()) as unknown[]).length, 0);
    env.cancel('CANCELLED');
    await expect(running).rejects.toThrow('does not answer');
    expect([...(await clients.nodes('c', 0)).keys()]).toEqual(['demo-control-1']);
  });
});
