import type { Migration } from '../migrate.js';

/** Whose place a node takes: a further attempt finds the pair again. */
export const replacedNodes: Migration = {
  name: '0009-replaced-nodes',
  tables: {},
  columns: { kubernetes_cluster_vm_map: { replaces: 'VARCHAR(36) NULL' } },
};
