/**
 * Brings dist/ up to date: every .ts file of the programs to one .js file (not bundled), and the workflows to one bundle when they
 * changed. Only files that differ are written, each in one move, so a running program or a second build never meets half a file.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = process.env.CKS_BUILD_ROOT ?? dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const FOLDERS = ['workflows', 'activities', 'api', 'db', 'metrics', 'simulator', 'scripts', 'bench', 'lab', 'test'];

async function filesBelow(folder, ending) {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

async function put(path, content) {
  const present = await readFile(path).catch(() => undefined);
  if (present?.equals(Buffer.from(content))) return;
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.tmp`;
  await writeFile(draft, content);
  await rename(draft, path);
}

async function sources() {
  const found = (await Promise.all(FOLDERS.map((name) => filesBelow(join(root, name), '.ts')))).flat();
  if (existsSync(join(root, 'worker.ts'))) found.push(join(root, 'worker.ts'));
  return found.filter((path) => !path.endsWith('.d.ts') && !path.endsWith('.test.ts'));
}

/** The web page: one module for browsers. */
async function page() {
  const entry = join(root, 'ui', 'main.ts');
  if (!existsSync(entry)) return [];
  const { outputFiles } = await build({
    entryPoints: [entry],
    absWorkingDir: root,
    outfile: join(dist, 'ui', 'main.js'),
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'warning',
  });
  return outputFiles;
}

async function programs() {
  const compiled = build({
    entryPoints: await sources(),
    absWorkingDir: root,
    outbase: root,
    outdir: dist,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    bundle: false,
    write: false,
    logLevel: 'warning',
    tsconfig: join(root, 'tsconfig.json'),
  });
  const outputFiles = [...(await compiled).outputFiles, ...(await page())];
  await Promise.all(outputFiles.map((file) => put(file.path, file.contents)));
  const wanted = new Set(outputFiles.map((file) => file.path));
  const kept = (path) => wanted.has(path) || relative(dist, path).startsWith('workflow-bundle.');
  const present = [...(await filesBelow(dist, '.js')), ...(await filesBelow(dist, '.js.map'))];
  await Promise.all(present.filter((path) => !kept(path)).map((path) => rm(path, { force: true })));
}

/** The bundle takes seconds, so it is made again only when the workflows or the SDK changed. */
async function workflowBundle() {
  const workflowsPath = join(root, 'workflows', 'index.ts');
  if (!existsSync(workflowsPath))
    return console.warn('build: workflows/index.ts is not there yet, no workflow bundle made');
  const hash = createHash('sha256').update(createRequire(import.meta.url)('@temporalio/worker/package.json').version);
  for (const path of await filesBelow(join(root, 'workflows'), '.ts'))
    hash.update(`\0${relative(root, path)}\0`).update(await readFile(path));
  const now = hash.digest('hex');
  const bundle = join(dist, 'workflow-bundle.js');
  const mark = join(dist, 'workflow-bundle.sha256');
  if (existsSync(bundle) && (await readFile(mark, 'utf8').catch(() => '')) === now) return;
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  await rm(mark, { force: true }); // first, so that a build killed halfway never leaves a mark that lies
  await put(bundle, code);
  await put(mark, now);
}

await Promise.all([programs(), workflowBundle()]);
