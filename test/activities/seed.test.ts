import type { NodeContext } from '../../db/nodes.js';
import { seedFiles } from '../../activities/hypervisor/seed.js';

const context = {
  vm: { uuid: 'vm-1', name: 'demo-worker-1', mac_address: '02:00:00:00:00:01', ip_address: '10.1.1.7' },
  network: { cidr: '10.1.1.0/24', gateway: '10.1.1.1', dns1: '10.0.0.53' },
} as NodeContext;

test('a node’s seed has its name, address and SSH keys, and nothing that a cluster is joined or an image pulled with', () => {
  const files = seedFiles({
    context,
    hostKey: { private: 'a key', public: 'its line' },
    authorizedKeys: ['one', 'two'],
  });
  expect(Object.keys(files).sort()).toEqual(['meta-data', 'network-config', 'user-data']);
  const [, , json = ''] = /^(#cloud-config\n)(.*)\n$/.exec(files['user-data'] ?? '') ?? [];
  const { users, ssh_keys, ...rest } = JSON.parse(json) as { users: object[]; ssh_keys: object };
  expect(users).toEqual([
    expect.objectContaining({ name: 'cloud', lock_passwd: true, ssh_authorized_keys: ['one', 'two'] }),
  ]);
  expect(ssh_keys).toEqual({ ed25519_private: 'a key', ed25519_public: 'its line' });
  expect(Object.keys(rest).sort()).toEqual([
    'disable_root', 'hostname', 'manage_etc_hosts', 'runcmd', 'ssh_deletekeys', 'ssh_pwauth',
  ]); // prettier-ignore
  expect(JSON.parse(files['meta-data'] ?? '')).toEqual({ 'instance-id': 'vm-1', 'local-hostname': 'demo-worker-1' });
});
