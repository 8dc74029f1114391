import type { Migration } from '../migrate.js';

/** What steps, scans and pages look for: without these each look reads a table that grows with the clusters. */
export const indexes: Migration = {
  name: '0008-indexes',
  tables: {},
  indexes: {
    kubernetes_cluster: ['network_id'],
    networks: ['vpc_id'],
    vm_instance: ['network_id'],
    firewall_rules: ['vm_id'],
    user_ip_address: ['data_center_id, state', 'vpc_id'],
    operation: ['job_id', 'ended'],
  },
};
