import type { Migration } from '../migrate.js';

/** Hosts as an operator manages them: what reaching one needs, pools, address ranges, dedication, affinity groups. */
const object = '{id}, uuid VARCHAR(36) NOT NULL UNIQUE';
const lives = 'created {time} NOT NULL, removed {time} NULL';

export const hosts: Migration = {
  name: '0003-hosts',
  tables: {
    storage_pool: `${object}, name VARCHAR(191) NOT NULL, pool_type VARCHAR(20) NOT NULL, url VARCHAR(1024) NOT NULL, data_center_id VARCHAR(36) NOT NULL, host_id VARCHAR(36) NULL, tags VARCHAR(255) NULL, ${lives}; index(data_center_id)`,
    vlan: `${object}, data_center_id VARCHAR(36) NOT NULL, vlan_id VARCHAR(60) NOT NULL, start_ip VARCHAR(40) NOT NULL, end_ip VARCHAR(40) NOT NULL, vlan_gateway VARCHAR(40) NOT NULL, vlan_netmask VARCHAR(40) NOT NULL, created {time} NOT NULL; index(data_center_id)`,
    // Without an account: for the domain and those below it.
    dedicated_resources: `${object}, host_id VARCHAR(36) NOT NULL UNIQUE, domain_id VARCHAR(36) NOT NULL, account_id VARCHAR(36) NULL, affinity_group_id VARCHAR(36) NOT NULL, created {time} NOT NULL`,
    affinity_group: `${object}, name VARCHAR(191) NOT NULL, type VARCHAR(40) NOT NULL, description VARCHAR(4096) NULL, account_id VARCHAR(36) NOT NULL, domain_id VARCHAR(36) NOT NULL, created {time} NOT NULL, UNIQUE (account_id, name)`,
    // Machines that users put into a group; nodes are in the groups of their cluster and role.
    affinity_group_vm_map: `{id}, affinity_group_id VARCHAR(36) NOT NULL, vm_id VARCHAR(36) NOT NULL, UNIQUE (affinity_group_id, vm_id); index(vm_id)`,
    kubernetes_cluster_affinity_group_map: `{id}, cluster_id VARCHAR(36) NOT NULL, node_type VARCHAR(10) NOT NULL, affinity_group_id VARCHAR(36) NOT NULL, UNIQUE (cluster_id, node_type, affinity_group_id); index(affinity_group_id)`,
  },
  columns: {
    data_center: {
      // How hosts are joined: by the simulator itself, by a bridge that the operator made, or by VXLAN links.
      network_mode: `VARCHAR(20) NOT NULL DEFAULT 'simulated'`,
      bridge: 'VARCHAR(60) NULL',
      public_bridge: 'VARCHAR(60) NULL',
      internal_cidr: 'VARCHAR(40) NULL',
    },
    host: {
      // Name of the libvirt pool that holds volumes and images.
      pool: `VARCHAR(191) NOT NULL DEFAULT 'default'`,
      // Where the fabric program of a VXLAN zone answers: ssh://USER@HOST:PORT.
      fabric_url: 'VARCHAR(255) NULL',
      // SHA256:… of its pinned SSH host key.
      fingerprint: 'VARCHAR(128) NULL',
      // When its facts were read last.
      last_pinged: '{time} NULL',
    },
    service_offering: { host_tags: 'VARCHAR(255) NULL' },
    user_ip_address: { vlan_id: 'VARCHAR(36) NULL' },
  },
};
