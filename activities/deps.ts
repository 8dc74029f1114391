import type { Client } from '@temporalio/client';
import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Sealer } from '../db/secret.js';
import type { Gateway } from './gateway/driver.js';
import type { Hypervisor } from './hypervisor/driver.js';
import type { KubernetesClients } from './kubernetes/clients.js';

/** What activities are built from; wired once in `worker.ts`. */
export interface Deps {
  db: Knex;
  sealer: Sealer;
  /** Drivers by the scheme of a host's or gateway's URL. */
  openHypervisor: (url: string) => Hypervisor;
  openGateway: (url: string) => Gateway;
  kubernetes: KubernetesClients;
  temporal: Client;
  log: Logger;
  /** The program that nodes run. */
  cksNode: Buffer;
  /** Milliseconds between two looks of a wait. */
  pollMs: number;
}
