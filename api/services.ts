import type { Client } from '@temporalio/client';
import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Sealer } from '../db/secret.js';
import type { Settings } from '../workflows/model/settings.js';
import type { Command } from './command.js';
import { Registry } from './registry.js';
import { SettingsReader } from './settings-reader.js';

/** What a server is built from. */
export interface Deps {
  db: Knex;
  sealer: Sealer;
  log: Logger;
  /** Undefined until Temporal has answered once. */
  temporal(): Client | undefined;
  /** Address of the Temporal Web UI, for links. */
  temporalUi: string;
  /** The service's folder, shared with the workers: uploaded images go there. */
  home: string;
  /** `cloud.kubernetes.service.enabled` as it was at start; undefined until the database has answered once. */
  kubernetesEnabled(): boolean | undefined;
  /** Told of every answer: the command, if there is one of that name, the HTTP status, and how long it took. */
  answered?(command: string | undefined, status: number, seconds: number): void;
  /** The clock, for tests. */
  now?: () => Date;
}

/** The dependencies with what is made from them, shared by all requests. */
export interface Services extends Omit<Deps, 'now'> {
  now: () => Date;
  settings(accountId?: string): Promise<Settings>;
  forgetSettings(): void;
  /** Undefined until the database has answered once. */
  registry(): Registry | undefined;
}

export function createServices(deps: Deps, commands: readonly Command[]): Services {
  const settings = new SettingsReader(deps.db);
  let registry: Registry | undefined;
  return {
    ...deps,
    now: deps.now ?? (() => new Date()),
    settings: (accountId) => settings.read(accountId),
    forgetSettings: () => settings.forget(),
    registry() {
      const enabled = deps.kubernetesEnabled();
      if (enabled !== undefined) registry ??= new Registry(commands, enabled);
      return registry;
    },
  };
}
