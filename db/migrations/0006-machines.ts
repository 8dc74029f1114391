import type { Migration } from '../migrate.js';

/** Machines that users make or bring, user data and CNI configurations, projects, and users that may call a few commands only. */
const object = '{id}, uuid VARCHAR(36) NOT NULL UNIQUE';
const lives = 'created {time} NOT NULL, removed {time} NULL';

export const machines: Migration = {
  name: '0006-machines',
  tables: {
    user_data: `${object}, name VARCHAR(191) NOT NULL, account_id VARCHAR(36) NOT NULL, domain_id VARCHAR(36) NOT NULL, data {text} NOT NULL, params VARCHAR(2048) NULL, for_cks INTEGER NOT NULL, created {time} NOT NULL, UNIQUE (account_id, name)`,
    // active_name: domain and name while the project lives, so that a name is free again after its project.
    projects: `${object}, name VARCHAR(191) NOT NULL, display_text VARCHAR(255) NOT NULL, domain_id VARCHAR(36) NOT NULL, project_account_id VARCHAR(36) NOT NULL UNIQUE, state VARCHAR(20) NOT NULL, active_name VARCHAR(240) NULL UNIQUE, ${lives}`,
    project_account: `{id}, project_id VARCHAR(36) NOT NULL, account_id VARCHAR(36) NOT NULL, account_role VARCHAR(10) NOT NULL, created {time} NOT NULL, UNIQUE (project_id, account_id); index(account_id)`,
    // One change of one machine. active_vm_id: the machine while the change is not over; being unique, it decides who holds it.
    machine_change: `{id}, job_id VARCHAR(36) NOT NULL UNIQUE, vm_id VARCHAR(36) NOT NULL, active_vm_id VARCHAR(36) NULL UNIQUE, kind VARCHAR(10) NOT NULL, params {text} NOT NULL, limit_seconds INTEGER NOT NULL, attempt INTEGER NOT NULL, run_id VARCHAR(60) NULL, user_id VARCHAR(36) NOT NULL, created {time} NOT NULL, ended {time} NULL; index(vm_id); index(ended)`,
  },
  columns: {
    // The account of a project carries its project, so that every list shows the owner without another join.
    account: { project_id: 'VARCHAR(36) NULL', project_name: 'VARCHAR(191) NULL' },
    // kubernetes: may call the commands of the in-cluster service only.
    user: { scope: 'VARCHAR(20) NULL' },
    vm_instance: {
      // 0: a machine without a domain on a host of ours; nothing starts or stops it but its owner.
      managed: 'INTEGER NOT NULL DEFAULT 1',
      user_data_id: 'VARCHAR(36) NULL',
    },
  },
};
