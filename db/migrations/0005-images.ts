import type { Migration } from '../migrate.js';

/** Templates and media that users register: where each stands in a zone, and which pools have a copy. */
export const images: Migration = {
  name: '0005-images',
  tables: {
    template_zone_ref: `{id}, template_id VARCHAR(36) NOT NULL, zone_id VARCHAR(36) NOT NULL, state VARCHAR(20) NOT NULL, bytes BIGINT NULL, total BIGINT NULL, error VARCHAR(2048) NULL, created {time} NOT NULL, updated {time} NOT NULL, UNIQUE (template_id, zone_id); index(zone_id); index(state)`,
    // pool_id: a shared pool, or the host for its own pool. host_id: through whom the pool was reached last.
    pool_image: `{id}, pool_id VARCHAR(36) NOT NULL, host_id VARCHAR(36) NOT NULL, image_id VARCHAR(36) NOT NULL, state VARCHAR(20) NOT NULL, percent INTEGER NOT NULL, error VARCHAR(2048) NULL, created {time} NOT NULL, updated {time} NOT NULL, UNIQUE (image_id, pool_id); index(host_id); index(state)`,
  },
  columns: {
    vm_template: {
      bootable: 'INTEGER NOT NULL DEFAULT 0',
      featured: 'INTEGER NOT NULL DEFAULT 1',
      extractable: 'INTEGER NOT NULL DEFAULT 0',
      password_enabled: 'INTEGER NOT NULL DEFAULT 0',
      requires_hvm: 'INTEGER NOT NULL DEFAULT 1',
      // JSON of details[i].…
      details: '{text} NULL',
    },
  },
};
