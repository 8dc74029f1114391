import assert from 'node:assert/strict';
import { LabCluster } from '../cluster.js';
import { FIRST } from '../versions.js';
import type { LabCase } from './case.js';

const version = FIRST.kubernetes;
const TLS = ['--cacert', '/etc/etcd/ca.crt', '--cert', '/etc/etcd/member.crt', '--key', '/etc/etcd/member.key'];

export const dedicatedEtcd: LabCase = {
  name: 'create 1+1 with three etcd nodes: the cluster lives in them over TLS, and goes on without one of them',
  features: ['dedicated etcd', 'cks-node etcd install'],
  async run(world) {
    const cluster = await LabCluster.create(world, { name: 'apart', version, more: { etcdnodes: '3' } });
    await cluster.expectHealthy({ version });
    await cluster.expectServes();
    const members = cluster.machines().filter(({ role }) => role === 'etcd');
    assert.equal(members.length, 3);
    const endpoints = (of: readonly { ip_address: string }[], port = 2379) => of.map(({ ip_address }) => `https://${ip_address}:${port}`); // prettier-ignore
    const etcdctl = (...words: string[]) =>
      cluster.inNode(members[0]!, 'etcdctl', ...TLS, '--endpoints', endpoints(members).join(','), ...words);
    const known = JSON.parse(await etcdctl('member', 'list', '-w', 'json')) as { members: { peerURLs: string[] }[] }; // prettier-ignore
    assert.deepEqual(known.members.flatMap(({ peerURLs }) => peerURLs).sort(), endpoints(members, 2380).sort());
    await etcdctl('endpoint', 'health');
    assert.match(await etcdctl('get', '/registry/namespaces/default', '--keys-only'), /namespaces\/default/);
    assert.equal(
      (await cluster.pods('kube-system')).find((name) => name.startsWith('etcd-')),
      undefined,
    );
    // A client without a certificate is refused.
    const stranger = cluster.onNode(members[1]!, 'curl', '-skS', '--tls-max', '1.2', '-m', '20', `${endpoints(members)[0]}/version`);
    await assert.rejects(stranger, /alert (handshake failure|bad certificate|certificate required)/);

    world.libvirt.virsh('lxc', 'destroy', members[2]!.instance_name);
    const written = () => cluster.kubectl('create', 'configmap', 'written').then(() => true, (error: Error) => error.message.includes('AlreadyExists') || error.message);
    await world.until('two members take a write', written, 90, 500);
    await cluster.expectServes();
    await cluster.delete();
    cluster.expectNothingLeft();
  },
}; // prettier-ignore
