import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { z } from 'zod';
import { projectRoot } from '../db/project-root.js';

const file = z.strictObject({
  cli: z.string().regex(/^v\d+\.\d+\.\d+$/),
  ip: z.string(),
  port: z.int(),
  ui_port: z.int(),
  namespace: z.string(),
  retention: z.string().regex(/^\d+h$/),
  file: z.string(),
  log_level: z.enum(['debug', 'info', 'warn', 'error', 'never']),
  sqlite_pragmas: z.record(z.string(), z.string()),
  dynamic_config: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  search_attributes: z.record(
    z.string(),
    z.enum(['Text', 'Keyword', 'Int', 'Double', 'Bool', 'Datetime', 'KeywordList']),
  ),
});
export type TemporalSettings = z.infer<typeof file>;

/** The checked content of `temporal-dev.yaml`. */
export function readTemporalSettings(path = join(projectRoot(), 'temporal-dev.yaml')): TemporalSettings {
  const found = file.safeParse(load(readFileSync(path, 'utf8')));
  if (!found.success) throw new Error(`${path}: ${z.prettifyError(found.error).replace(/\s+/g, ' ')}`);
  return found.data;
}

export interface DevServerPlace {
  port: number;
  /** Without it the server has no Web UI. */
  uiPort?: number;
  /** Without it everything is in memory. */
  dbFilename?: string;
}

/** The options that make a server behave as the file says, apart from its place: also what a test environment adds (`extraArgs`). */
export function behaviourOptions(settings: TemporalSettings): string[] {
  return Object.entries(settings.dynamic_config).flatMap(([key, value]) => [
    '--dynamic-config-value',
    `${key}=${JSON.stringify(value)}`,
  ]);
}

/** All arguments of the `temporal` program that start the dev server. */
export function devServerArguments(settings: TemporalSettings, place: DevServerPlace): string[] {
  const pragmas = Object.entries(settings.sqlite_pragmas).flatMap(([name, value]) => [
    '--sqlite-pragma',
    `${name}=${value}`,
  ]);
  const attributes = Object.entries(settings.search_attributes).flatMap(([name, type]) => [
    '--search-attribute',
    `${name}=${type}`,
  ]);
  return [
    ...['server', 'start-dev', '--ip', settings.ip, '--port', String(place.port), '--log-level', settings.log_level],
    ...['--namespace', settings.namespace],
    ...(place.uiPort === undefined ? ['--headless'] : ['--ui-port', String(place.uiPort)]),
    ...(place.dbFilename === undefined ? [] : ['--db-filename', place.dbFilename, ...pragmas]),
    ...behaviourOptions(settings),
    ...attributes,
  ];
}
