import { ImageStore } from '../../activities/images/store.js';
import { DEFAULT_SETTINGS } from '../../workflows/model/settings.js';

/** A process that fetches one image into `home` from this machine, and prints what it got: to be killed in the middle. */
const [home = '', url = '', checksum = ''] = process.argv.slice(2);
const store = new ImageStore({
  home,
  settings: () => Promise.resolve(DEFAULT_SETTINGS),
  own: () => Promise.resolve([]),
  versionOf: () => Promise.resolve(undefined),
  onProgress: () => Promise.resolve(),
});
const image = { kind: 'TEMPLATE', id: 'big', url, checksum: checksum || null, format: 'QCOW2' } as const;
const fetched = await store.fetch(image, { loopback: true });
process.stdout.write(`${JSON.stringify(fetched)}\n`);
