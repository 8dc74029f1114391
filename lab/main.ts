import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../db/project-root.js';
import { build, unbuilt } from './build.js';
import type { LabCase } from './cases/case.js';
import { CASES } from './cases/index.js';
import { whyNoLibvirt } from './libvirt/private-libvirt.js';
import { machineText, merge, readResults, writeResults, type CaseResult } from './results.js';
import { FIRST, labCache, mediumOf, MINORS, nodeRoot, versionsOf } from './versions.js';
import { LabWorld } from './world.js';

/** Why the lab cannot run on this machine; undefined where it can. */
export function whyNoLab(): string | undefined {
  if (process.platform !== 'linux') return 'the lab needs Linux: its nodes are containers of libvirt';
  const why = whyNoLibvirt();
  if (why !== undefined) return `the lab needs root and libvirt, and this machine ${why}`;
  const missing = ['cs', 'kubectl', 'mmdebstrap', 'nft', 'haproxy', 'genisoimage', 'ssh-keygen', 'curl'].filter((program) => !isThere(program)); // prettier-ignore
  return missing.length === 0
    ? undefined
    : `the lab lacks ${missing.join(', ')}: .ci/run installs them on Debian, cs is from PyPI`;
}

const isThere = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const minorsOf = (cases: readonly LabCase[]) => (cases.some(({ next }) => next) ? MINORS : [FIRST]);

/** Runs cases with what is built; answers how each went. */
export async function runLab(cases: readonly LabCase[], say: (line: string) => void): Promise<CaseResult[]> {
  const cache = labCache();
  const media = minorsOf(cases).map((minor) => ({ version: minor.kubernetes, file: mediumOf(cache, minor) }));
  const world = await LabWorld.start(say, [nodeRoot(cache), ...media.map(({ file }) => file)]);
  const end = () => void world.stop().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
  const results: CaseResult[] = [];
  try {
    await world.register(nodeRoot(cache), media);
    for (const one of cases) {
      const result = await runCase(world, one, say);
      results.push(result);
      if (!result.passed && !process.env['CKS_LAB_KEEP']) await removeClusters(world, say);
      if (!result.passed && process.env['CKS_LAB_KEEP']) break;
    }
    if (results.every(({ passed }) => passed)) await removeClusters(world, say);
  } finally {
    if (results.some(({ passed }) => !passed) && process.env['CKS_LAB_KEEP']) {
      say(`kept: nsenter -t ${world.libvirt.first()} -m -n -p; state in ${world.folder}; Ctrl-C ends it`);
      await new Promise(() => undefined);
    }
    await world.stop();
  }
  return results;
}

/** What a failed case leaves takes memory that the next one needs. */
async function removeClusters(world: LabWorld, say: (line: string) => void): Promise<void> {
  for (const { uuid } of world.rows<{ uuid: string }>('SELECT uuid FROM kubernetes_cluster WHERE removed IS NULL'))
    await world
      .begun('deleteKubernetesCluster', { id: uuid })
      .then((job) => world.jobEnds(job, 600))
      .catch((error: unknown) => say(`  a cluster is left: ${error instanceof Error ? error.message : String(error)}`));
}

async function runCase(world: LabWorld, one: LabCase, say: (line: string) => void): Promise<CaseResult> {
  const { name, features } = one;
  const began = Date.now();
  const seconds = () => Math.round((Date.now() - began) / 100) / 10;
  say(`case: ${name}`);
  try {
    await one.run(world, (line) => say(`  ${line}`));
    say(`  passed after ${seconds()} s`);
    return { name, features, result: 'passed', passed: true, seconds: seconds() };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    say(`  FAILED after ${seconds()} s: ${why}`);
    return { name, features, result: 'failed', passed: false, seconds: seconds(), why };
  }
}

/**
 * What `--core` leaves out, in one line: all where something is not built, since CI would take twice as long; else the cases
 * that are not core.
 */
export const leftOut = (missing: readonly string[], cases: readonly LabCase[]): string =>
  missing.length > 0
    ? `left out: all of it, since building takes half an hour and this machine has not built ${missing.join(', ')}; npm run lab builds and runs it`
    : `left out, since each takes minutes: ${cases.filter(({ core }) => !core).map(({ name }) => name).join(' | ')}`; // prettier-ignore

/**
 * `npm run lab [-- TEXT…]`: builds what is missing and runs all cases, or those whose name has one of the texts. `--core`: what CI runs,
 * which builds nothing and leaves the results that the repository keeps alone.
 */
async function main(): Promise<number> {
  const say = (line: string) => process.stdout.write(`lab: ${line}\n`);
  const core = process.argv.includes('--core');
  if (core) {
    const missing = unbuilt(labCache(), FIRST);
    say(leftOut(missing, CASES));
    if (missing.length > 0) return 0;
  }
  const why = whyNoLab();
  if (why !== undefined) {
    process.stderr.write(`lab: ${why}\n`);
    return 2;
  }
  const texts = process.argv.slice(2).filter((text) => !text.startsWith('--'));
  const wanted = CASES.filter((one) => (!core || one.core) && (texts.length === 0 || texts.some((text) => one.name.includes(text)))); // prettier-ignore
  if (!core) for (const minor of minorsOf(wanted)) await build(labCache(), minor, say);
  const ran = await runLab(wanted, say);
  if (!core) keep(ran);
  const failed = ran.filter(({ passed }) => !passed).length;
  say(`${ran.length - failed} passed, ${failed} failed, ${CASES.length - ran.length} not run`);
  return failed > 0 || ran.length === 0 ? 1 : 0;
}

/** Writes down how cases went, in the file that the repository keeps. */
function keep(ran: readonly CaseResult[]): void {
  const file = join(projectRoot(), 'lab/results.json');
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: projectRoot(), encoding: 'utf8' }).trim();
  const run = { when: new Date().toISOString(), commit, machine: machineText() };
  writeResults(
    file,
    merge(CASES, readResults(file), ran, (one) => ({ ...run, versions: versionsOf(one) })),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(await main());
