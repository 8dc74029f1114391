import yaml from 'js-yaml';
import { parseCidr } from '../../workflows/model/addresses.js';
import type { NetworkRow, VmRow } from '../../db/rows.js';
import type { KeyPair } from '../store/index.js';

export interface UserSeed {
  vm: Pick<VmRow, 'uuid' | 'name' | 'mac_address' | 'ip_address'>;
  network: Pick<NetworkRow, 'cidr' | 'gateway' | 'dns1'>;
  hostKey: KeyPair;
  authorizedKeys: readonly string[];
  /** What the user wants of cloud-init, as text. */
  userData?: string;
  /** Values that his user data finds as `ds.meta_data.NAME`. */
  metadata?: Readonly<Record<string, string>>;
}

type CloudConfig = Record<string, unknown>;

/**
 * Files of the NoCloud seed of a user's machine. A cloud-config of his is merged into ours: his users come beside `cloud`, the
 * host key stays the one that the service knows. Anything else he gives (a script, MIME parts, a template) goes as vendor data,
 * which cloud-init runs all the same.
 */
export function userSeedFiles(seed: UserSeed): Record<string, string> {
  const { vm, network } = seed;
  const own = cloudConfigOf(seed.userData);
  const users = Array.isArray(own?.['users']) ? (own['users'] as unknown[]) : [];
  const userData: CloudConfig = {
    disable_root: true,
    ssh_pwauth: false,
    manage_etc_hosts: 'localhost',
    ...own,
    hostname: vm.name,
    users: [
      ...users,
      {
        name: 'cloud',
        sudo: 'ALL=(ALL) NOPASSWD:ALL',
        shell: '/bin/bash',
        lock_passwd: true,
        ssh_authorized_keys: seed.authorizedKeys,
      },
    ],
    ssh_deletekeys: true,
    ssh_keys: { ed25519_private: seed.hostKey.private, ed25519_public: seed.hostKey.public },
  };
  const networkConfig = {
    version: 2,
    ethernets: {
      nic0: {
        match: { macaddress: vm.mac_address },
        addresses: [`${vm.ip_address}/${parseCidr(network.cidr).bits}`],
        gateway4: network.gateway,
        ...(network.dns1 !== null && { nameservers: { addresses: [network.dns1] } }),
      },
    },
  };
  return {
    'meta-data': JSON.stringify({ ...seed.metadata, 'instance-id': vm.uuid, 'local-hostname': vm.name }),
    'user-data': `#cloud-config\n${JSON.stringify(userData)}\n`,
    'network-config': JSON.stringify(networkConfig),
    ...(seed.userData !== undefined && own === undefined && { 'vendor-data': seed.userData }),
  };
}

/** The text as a cloud-config, if it is one that can be read. */
function cloudConfigOf(text: string | undefined): CloudConfig | undefined {
  if (text === undefined || !text.startsWith('#cloud-config')) return undefined;
  try {
    const read: unknown = yaml.load(text);
    return typeof read === 'object' && read !== null && !Array.isArray(read) ? (read as CloudConfig) : undefined;
  } catch {
    // Such as a template: cloud-init says in the guest's own log what is wrong with it.
    return undefined;
  }
}
