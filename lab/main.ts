import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../db/project-root.js';
import { build, OutsideLacking, unbuilt } from './build.js';
import type { LabCase } from './cases/case.js';
import { CASES } from './cases/index.js';
import { whyNoLab } from './machine.js';
import { whyNoNode } from './probe.js';
import { machineText, merge, readResults, writeResults, type CaseResult } from './results.js';
import { FIRST, labCache, mediumOf, MINORS, nodeRoot, pauseImage, versionsOf } from './versions.js';
import { LabWorld } from './world.js';

const minorsOf = (cases: readonly LabCase[]) => (cases.some(({ next }) => next) ? MINORS : [FIRST]);

/** Runs cases with what is built; answers how each went, and tells `keep` at once. */
export async function runLab(
  cases: readonly LabCase[],
  say: (line: string) => void,
  keep: (result: CaseResult) => void = () => undefined,
): Promise<CaseResult[]> {
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
      keep(result);
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

/** What the core leaves out, in one line. */
export const leftOut = (cases: readonly LabCase[]): string =>
  `left out, since each takes minutes: ${cases
    .filter(({ core }) => !core)
    .map(({ name }) => name)
    .join(' | ')}`;

/** On a quiet machine of two cores the programs of one version take two thirds of it. */
const CORE_BUILD_MINUTES = 20;

/** Makes what the core needs. Answers why it cannot be had on this machine; an error is the project's own. */
async function prepareCore(cases: readonly LabCase[], say: (line: string) => void): Promise<string | undefined> {
  const cache = labCache();
  const why = whyNoLab(cases);
  if (why !== undefined) return why;
  const missing = unbuilt(cache, FIRST);
  if (missing.length > 0) say(`building ${missing.join(', ')}: once, for ${CORE_BUILD_MINUTES} minutes at most`);
  try {
    await build(cache, FIRST, say, Date.now() + CORE_BUILD_MINUTES * 60_000);
    return await whyNoNode(nodeRoot(cache), pauseImage(cache, FIRST));
  } catch (error) {
    if (error instanceof OutsideLacking) return error.message;
    throw error;
  }
}

/**
 * `npm run lab [-- TEXT…]`: builds what is missing and runs all cases, or those whose name has one of the texts. `--core`: what CI runs. It
 * leaves the results that the repository keeps alone, and what the machine lacks is said in one line and is no failure.
 */
async function main(): Promise<number> {
  const say = (line: string) => process.stdout.write(`lab: ${line}\n`);
  const core = process.argv.includes('--core');
  const texts = process.argv.slice(2).filter((text) => !text.startsWith('--'));
  const wanted = CASES.filter((one) => (!core || one.core) && (texts.length === 0 || texts.some((text) => one.name.includes(text)))); // prettier-ignore
  const why = core ? await prepareCore(wanted, say) : whyNoLab(wanted);
  if (why !== undefined && core) {
    say(`left out: all of it: ${why}`);
    return 0;
  }
  if (why !== undefined) {
    process.stderr.write(`lab: ${why}\n`);
    return 2;
  }
  if (core) say(leftOut(CASES));
  else for (const minor of minorsOf(wanted)) await build(labCache(), minor, say);
  const ran = await runLab(wanted, say, core ? undefined : keep);
  const failed = ran.filter(({ passed }) => !passed).length;
  say(`${ran.length - failed} passed, ${failed} failed, ${CASES.length - ran.length} not run`);
  return failed > 0 || ran.length === 0 ? 1 : 0;
}

/** Writes down how a case went, in the file that the repository keeps. */
function keep(ran: CaseResult): void {
  const file = join(projectRoot(), 'lab/results.json');
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: projectRoot(), encoding: 'utf8' }).trim();
  const run = { when: new Date().toISOString(), commit, machine: machineText() };
  writeResults(
    file,
    merge(CASES, readResults(file), [ran], (one) => ({ ...run, versions: versionsOf(one) })),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(await main());
