import { Context } from '@temporalio/activity';
import type { Knex } from 'knex';
import { readSettings } from '../../db/configuration.js';
import { noteProgress, versionOfIso } from '../../db/images.js';
import type { OwnPart } from './addresses.js';
import { ImageStore } from './store.js';

const partOf = (url: string, standard: number): OwnPart[] =>
  URL.canParse(url) ? [{ host: new URL(url).hostname, port: Number(new URL(url).port || standard) }] : [];

/** Where the service itself answers: its API, its database, Temporal. */
export const ownParts = (endpoint: string, env: { databaseUrl: string; temporalAddress: string }): OwnPart[] => [
  ...partOf(endpoint, endpoint.startsWith('https:') ? 443 : 80),
  ...(env.databaseUrl.startsWith('mysql:') ? partOf(env.databaseUrl, 3306) : []),
  ...partOf(`tcp://${env.temporalAddress}`, 7233),
];

/** The store of a worker: progress goes into the image's rows, and no image is fetched from the service's own parts. */
export function openImageStore(
  db: Knex,
  env: { home: string; databaseUrl: string; temporalAddress: string },
): ImageStore {
  return new ImageStore({
    home: env.home,
    settings: () => readSettings(db),
    own: async () => ownParts((await readSettings(db))['endpoint.url'], env),
    versionOf: (isoId) => versionOfIso(db, isoId),
    onProgress: (imageId, bytes, total) => noteProgress(db, imageId, bytes, total),
    signal: () => Context.current().cancellationSignal,
  });
}
