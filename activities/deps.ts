import type { Client } from '@temporalio/client';
import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { HostRow, ZoneRow } from '../db/rows.js';
import type { Sealer } from '../db/secret.js';
import type { Gateway } from './gateway/driver.js';
import type { FetchedImage, FetchRules, Hypervisor, ImageSpec } from './hypervisor/driver.js';
import type { ImageStore } from './images/store.js';
import type { KubernetesClients } from './kubernetes/clients.js';

/** What activities are built from; wired once in `worker.ts`. */
export interface Deps {
  db: Knex;
  sealer: Sealer;
  /** Drivers by the scheme of a host's or gateway's URL. */
  openHypervisor: (host: HostRow) => Hypervisor;
  openGateway: (zone: ZoneRow) => Gateway;
  /** A fetched, verified copy of an image on this machine. */
  fetchImage: (image: ImageSpec, rules?: FetchRules) => Promise<FetchedImage>;
  /** Fetched templates and media on this machine. */
  images: ImageStore;
  kubernetes: KubernetesClients;
  temporal: Client;
  log: Logger;
  /** The program that nodes run. */
  cksNode: Buffer;
  /** Told of each scan of a zone, by the zone's name, that ended. */
  scanEnded?: (zone: string, seconds: number) => void;
  /** Milliseconds between two looks of a wait. */
  pollMs: number;
  /** This worker's own build (`CKS_BUILD_ID`). */
  buildId?: string | undefined;
}
