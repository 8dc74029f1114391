import { mkdirSync } from 'node:fs';
import { writeFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { chromium, type Browser } from 'playwright-core';
import { projectRoot } from '../../db/project-root.js';

const ARGUMENTS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
]; // prettier-ignore

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGUMENTS });

/** Brings the page's module up to date as `npm run build` does, so that a single test run needs no build before. */
export async function buildPage(): Promise<void> {
  const outfile = join(projectRoot(), 'dist', 'ui', 'main.js');
  const { outputFiles } = await build({
    entryPoints: [join(projectRoot(), 'ui', 'main.ts')], outfile, bundle: true, format: 'esm', platform: 'browser', target: 'es2022', write: false,
  }); // prettier-ignore
  mkdirSync(join(projectRoot(), 'dist', 'ui'), { recursive: true });
  await writeFile(`${outfile}.${process.pid}.tmp`, outputFiles[0]!.contents);
  await rename(`${outfile}.${process.pid}.tmp`, outfile);
}
