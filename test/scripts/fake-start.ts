/** `npm start` with stand-ins for the real programs. */
import { join } from 'node:path';
import { projectRoot } from '../../db/project-root.js';
import { main } from '../../scripts/start.js';

const fake = (...args: string[]) => [
  process.execPath,
  join(projectRoot(), 'dist', 'test', 'scripts', 'fake-part.js'),
  ...args,
];

await main((settings) => ({
  migrate: fake('migrate'),
  api: fake('api'),
  worker: fake('worker'),
  simulator: fake('simulator'),
  temporal: async () => fake('temporal', String(settings.temporalPort)),
}));
