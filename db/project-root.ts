import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds `temporal-dev.yaml` and `package.json`, from the sources as well as from `dist/`. */
export function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'temporal-dev.yaml'))) {
    if (dirname(folder) === folder) throw new Error('temporal-dev.yaml is in no folder above this program');
    folder = dirname(folder);
  }
  return folder;
}
