import type { NodeContext } from '../../db/nodes.js';
import { parseCidr } from '../../workflows/model/addresses.js';
import type { KeyPair } from '../store/index.js';

/**
 * Files of a node's NoCloud seed (cloud-init docs "NoCloud"). The host key is made by the service, so that the first connection
 * is already verified. User data is JSON, which is YAML: no value can break out of its place.
 */
export function seedFiles({
  context,
  hostKey,
  authorizedKeys,
}: {
  context: NodeContext;
  hostKey: KeyPair;
  authorizedKeys: string[];
}): Record<string, string> {
  const { vm, network } = context;
  const userData = {
    hostname: vm.name,
    // sudo asks for the machine's own name, and waits long where no name server answers.
    manage_etc_hosts: 'localhost',
    users: [
      {
        name: 'cloud',
        sudo: 'ALL=(ALL) NOPASSWD:ALL',
        shell: '/bin/bash',
        lock_passwd: true,
        ssh_authorized_keys: authorizedKeys,
      },
    ],
    ssh_pwauth: false,
    disable_root: true,
    ssh_deletekeys: true,
    ssh_keys: { ed25519_private: hostKey.private, ed25519_public: hostKey.public },
    // The seed is taken away once the node is up. Without it cloud-init would take the next boot for a new machine's first: no address,
    // other host keys (cloud-init docs "Disable cloud-init").
    runcmd: [['touch', '/etc/cloud/cloud-init.disabled']],
  };
  const networkConfig = {
    version: 2,
    ethernets: {
      node: {
        match: { macaddress: vm.mac_address },
        addresses: [`${vm.ip_address}/${parseCidr(network.cidr).bits}`],
        gateway4: network.gateway,
        ...(network.dns1 !== null && { nameservers: { addresses: [network.dns1] } }),
      },
    },
  };
  return {
    'meta-data': JSON.stringify({ 'instance-id': vm.uuid, 'local-hostname': vm.name }),
    'user-data': `#cloud-config\n${JSON.stringify(userData)}\n`,
    'network-config': JSON.stringify(networkConfig),
  };
}
