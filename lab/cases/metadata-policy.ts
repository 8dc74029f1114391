import assert from 'node:assert/strict';
import { LabCluster } from '../cluster.js';
import { expectNoMetadata } from '../metadata.js';
import { FIRST } from '../versions.js';
import type { LabCase } from './case.js';

const version = FIRST.kubernetes;
const setting = 'cks.metadata.policy.namespaces';

interface Policies {
  items: { metadata: { name: string; namespace: string }; spec: { egress: { to: { ipBlock: { cidr: string } }[] }[] } }[];
} // prettier-ignore
interface Listed {
  state: string;
  components: { name: string; state: string; reason?: string }[];
}

export const metadataPolicy: LabCase = {
  name: 'create 1+1 with a NetworkPolicy against metadata servers: it is there, its health says that Flannel enforces none, and pods serve',
  features: ['metadata NetworkPolicy'],
  async run(world) {
    await world.cs('updateConfiguration', { name: setting, value: 'default,kube-public' });
    const cluster = await LabCluster.create(world, { name: 'policy', version }).finally(() =>
      world.cs('updateConfiguration', { name: setting }),
    );
    await cluster.expectHealthy({ version });
    const { items } = await cluster.get<Policies>('networkpolicies', '--all-namespaces');
    assert.deepEqual(
      items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).sort(),
      ['default/deny-metadata-access', 'kube-public/deny-metadata-access'],
    ); // prettier-ignore
    for (const { spec } of items)
      assert.deepEqual(spec.egress.flatMap(({ to }) => to.map(({ ipBlock }) => ipBlock.cidr)), ['0.0.0.0/0', '::/0']); // prettier-ignore
    const { state, components } = (await world.first('listKubernetesClusters', {
      id: cluster.id,
    })) as unknown as Listed;
    const health = components.find(({ name }) => name === 'metadata-policy');
    assert.equal(state, 'Running');
    assert.match(`${health?.state}: ${health?.reason}`, /^failed: the policy is there, and .*Flannel enforces none/);
    await cluster.expectServes();
    await expectNoMetadata(cluster);
    await cluster.delete();
    cluster.expectNothingLeft();
  },
};
