import type { KubernetesClients } from '../../activities/kubernetes/clients.js';
import { applyMetadataPolicy, whyNotEnforced } from '../../activities/kubernetes/metadata-policy.js';
import { KubernetesFixture } from './kubernetes-fixture.js';

describe('the policy against metadata servers', () => {
  let server: KubernetesFixture;
  let clients: KubernetesClients;
  beforeAll(async () => {
    server = await KubernetesFixture.start();
    clients = server.clients();
  }, 60_000);
  afterAll(() => server.stop());

  test('is in each namespace that cks.metadata.policy.namespaces names, once, and as it should be though somebody changed it', async () => {
    const api = await clients.networking('c');
    await applyMetadataPolicy(api, ['default', 'kube-system']);
    const body = { metadata: { name: 'deny-metadata-access' }, spec: { podSelector: {}, policyTypes: ['Ingress'] } };
    await api.replaceNamespacedNetworkPolicy({ name: 'deny-metadata-access', namespace: 'default', body });
    await applyMetadataPolicy(api, ['default', 'kube-system']);
    const { items } = await api.listNetworkPolicyForAllNamespaces();
    expect(items.map(({ metadata }) => metadata?.namespace).sort()).toEqual(['default', 'kube-system']);
    for (const { spec } of items) {
      expect(spec).toMatchObject({ podSelector: {}, policyTypes: ['Egress'] });
      const blocks = spec?.egress?.flatMap(({ to }) => to?.map(({ ipBlock }) => ipBlock));
      expect(blocks).toEqual([
        { cidr: '0.0.0.0/0', except: ['169.254.169.254/32'] },
        { cidr: '::/0', except: ['fd00:ec2::254/128'] },
      ]);
    }
  });

  test('is refused with its name where there is no such namespace', async () => {
    await expect(applyMetadataPolicy(await clients.networking('c'), ['nowhere'])).rejects.toThrow(
      /create the policy deny-metadata-access in namespace nowhere: .*404.*nowhere/,
    );
  });

  test('is of use only with a pod network that enforces policies', async () => {
    const api = await clients.apps('c');
    expect(await whyNotEnforced(api)).toMatch(/Flannel enforces none/);
    const labels = { app: 'calico' };
    await api.createNamespacedDaemonSet({
      namespace: 'kube-system',
      body: {
        metadata: { name: 'calico-node' },
        spec: {
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: 'calico', image: 'calico:1' }] } },
        },
      },
    });
    expect(await whyNotEnforced(api)).toBeUndefined();
  });
});
