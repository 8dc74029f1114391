import type { Migration } from '../migrate.js';

/** What scaling, upgrades, stops and dedicated etcd need to know of clusters, nodes and operations. */
export const lifecycle: Migration = {
  name: '0002-lifecycle',
  tables: {},
  columns: {
    operation: { params: '{text} NULL' },
    kubernetes_cluster: {
      // The version that the control plane runs or is being brought to, while an upgrade is not finished.
      target_version_id: 'VARCHAR(36) NULL',
      control_node_template_id: 'VARCHAR(36) NULL',
      worker_node_template_id: 'VARCHAR(36) NULL',
      etcd_node_template_id: 'VARCHAR(36) NULL',
      cni_config_id: 'VARCHAR(36) NULL',
      cni_config_details: '{text} NULL',
      hypervisor: 'VARCHAR(20) NULL',
      // When its API server was last asked, and its control plane's certificates end.
      probed: '{time} NULL',
      certificates_end: '{time} NULL',
    },
    kubernetes_cluster_vm_map: {
      // The operation, by its first attempt, that made the node.
      added_by: 'VARCHAR(36) NULL',
      // Taken out of the balancer, since kubeadm works on it.
      draining: 'INTEGER NOT NULL DEFAULT 0',
      // Version whose programs and images are on the node, beside those that it runs.
      staged_version: 'VARCHAR(40) NULL',
    },
    vm_instance: { max_cpus: 'INTEGER NULL', max_ram_mb: 'INTEGER NULL' },
  },
};
