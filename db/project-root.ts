import { existsSync } from 'node:fs';
import path from 'node:path';

/** The folder of this project, whether its sources or its built files run. */
export const projectRoot: string = (() => {
  let folder = import.meta.dirname;
  while (!existsSync(path.join(folder, 'package.json'))) {
    const parent = path.dirname(folder);
    if (parent === folder)
      throw new Error(`no package.json above ${import.meta.dirname}: the installation is incomplete`);
    folder = parent;
  }
  return folder;
})();
