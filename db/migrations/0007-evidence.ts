import type { Migration } from '../migrate.js';

/** What nodes said about themselves when an operation failed. */
export const evidence: Migration = {
  name: '0007-evidence',
  tables: {
    operation_evidence:
      '{id}, operation_id VARCHAR(36) NOT NULL, node VARCHAR(191) NOT NULL, facts {text} NOT NULL, taken {time} NOT NULL, UNIQUE (operation_id, node)',
  },
};
