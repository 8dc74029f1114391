import type { Migration } from '../migrate.js';

/** Networks, addresses and rules that users make, and virtual private clouds. What the rows mean to a gateway: `db/rules.ts`. */
const object = '{id}, uuid VARCHAR(36) NOT NULL UNIQUE';
const lives = 'created {time} NOT NULL, removed {time} NULL';

export const networks: Migration = {
  name: '0004-networks',
  tables: {
    vpc_offerings: `${object}, name VARCHAR(191) NOT NULL UNIQUE, display_text VARCHAR(255) NOT NULL, state VARCHAR(20) NOT NULL, services VARCHAR(1024) NOT NULL, ${lives}`,
    vpc: `${object}, name VARCHAR(255) NOT NULL, display_text VARCHAR(255) NOT NULL, data_center_id VARCHAR(36) NOT NULL, vpc_offering_id VARCHAR(36) NOT NULL, state VARCHAR(20) NOT NULL, cidr VARCHAR(40) NOT NULL, network_domain VARCHAR(191) NULL, rules_version INTEGER NOT NULL, account_id VARCHAR(36) NOT NULL, domain_id VARCHAR(36) NOT NULL, ${lives}; index(account_id)`,
    // Without a VPC: the two that every VPC has, default_allow and default_deny.
    network_acl: `${object}, name VARCHAR(255) NOT NULL, description VARCHAR(255) NOT NULL, vpc_id VARCHAR(36) NULL, ${lives}; index(vpc_id)`,
    network_acl_item: `${object}, acl_id VARCHAR(36) NOT NULL, number INTEGER NOT NULL, protocol VARCHAR(10) NOT NULL, start_port INTEGER NULL, end_port INTEGER NULL, icmp_type INTEGER NULL, icmp_code INTEGER NULL, cidr_list VARCHAR(2048) NOT NULL, traffic_type VARCHAR(10) NOT NULL, action VARCHAR(10) NOT NULL, state VARCHAR(10) NOT NULL, reason VARCHAR(255) NULL, created {time} NOT NULL, UNIQUE (acl_id, number)`,
    egress_firewall_rules: `${object}, network_id VARCHAR(36) NOT NULL, protocol VARCHAR(10) NOT NULL, start_port INTEGER NULL, end_port INTEGER NULL, icmp_type INTEGER NULL, icmp_code INTEGER NULL, cidr_list VARCHAR(2048) NULL, dest_cidr_list VARCHAR(2048) NULL, state VARCHAR(10) NOT NULL, created {time} NOT NULL; index(network_id)`,
    load_balancer_vm_map: `{id}, rule_id VARCHAR(36) NOT NULL, vm_id VARCHAR(36) NOT NULL, ip_address VARCHAR(40) NULL, state VARCHAR(10) NOT NULL, created {time} NOT NULL, UNIQUE (rule_id, vm_id); index(vm_id)`,
    // A change of rows that a gateway has to follow before its job ends.
    network_change: `{id}, job_id VARCHAR(36) NOT NULL UNIQUE, network_id VARCHAR(36) NULL, vpc_id VARCHAR(36) NULL, kind VARCHAR(40) NOT NULL, object_id VARCHAR(36) NOT NULL, name VARCHAR(255) NOT NULL, was {text} NULL, user_id VARCHAR(36) NOT NULL, account_id VARCHAR(36) NOT NULL, domain_id VARCHAR(36) NOT NULL, created {time} NOT NULL, ended {time} NULL; index(ended); index(network_id); index(vpc_id)`,
  },
  columns: {
    network_offerings: { for_vpc: 'INTEGER NOT NULL DEFAULT 0', specify_vlan: 'INTEGER NOT NULL DEFAULT 0' },
    networks: {
      vpc_id: 'VARCHAR(36) NULL',
      acl_id: 'VARCHAR(36) NULL',
      // Shared networks: the addresses that machines may have, and the bridge or VLAN that the operator made on each host.
      start_ip: 'VARCHAR(40) NULL',
      end_ip: 'VARCHAR(40) NULL',
      bridge: 'VARCHAR(60) NULL',
      vlan: 'VARCHAR(20) NULL',
      // Domain: accounts of the owner's domain and below may use it.
      acl_type: `VARCHAR(10) NOT NULL DEFAULT 'Account'`,
      network_domain: 'VARCHAR(191) NULL',
      rules_version: 'INTEGER NOT NULL DEFAULT 0',
    },
    user_ip_address: { vpc_id: 'VARCHAR(36) NULL' },
    firewall_rules: {
      state: `VARCHAR(10) NOT NULL DEFAULT 'Active'`,
      user_made: 'INTEGER NOT NULL DEFAULT 0',
      cidr_list: 'VARCHAR(2048) NULL',
      icmp_type: 'INTEGER NULL',
      icmp_code: 'INTEGER NULL',
      private_end_port: 'INTEGER NULL',
      guest_ip: 'VARCHAR(40) NULL',
      algorithm: 'VARCHAR(20) NULL',
      description: 'VARCHAR(255) NULL',
      // Of a firewall rule that was opened for another rule: that rule.
      related_id: 'VARCHAR(36) NULL',
      // Tells firewall rules for the same port but other sources apart.
      slot: `VARCHAR(64) NOT NULL DEFAULT ''`,
    },
  },
  uniques: {
    firewall_rules: {
      was: ['ip_address_id', 'purpose', 'start_port'],
      is: ['ip_address_id', 'purpose', 'protocol', 'start_port', 'slot'],
    },
  },
};
