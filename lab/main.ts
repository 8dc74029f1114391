import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../db/project-root.js';
import { build, OutsideLacking, unbuilt } from './build.js';
import type { LabCase } from './cases/case.js';
import { CASES } from './cases/index.js';
import { chooseForCi } from './choice.js';
import { whyNoLab } from './machine.js';
import { whyNoNode } from './probe.js';
import { machineText, merge, readResults, writeResults, type CaseResult } from './results.js';
import { FIRST, labCache, mediumOf, MINORS, NEXT, nodeRoot, pauseImage, versionsOf } from './versions.js';
import { LabWorld } from './world.js';

const say = (line: string) => void process.stdout.write(`lab: ${line}\n`);
const RESULTS = join(projectRoot(), 'lab/results.json');
const minorsOf = (cases: readonly LabCase[]) => (cases.some(({ next }) => next) ? MINORS : [FIRST]);

/**
 * Runs cases with what is built; answers how each went, and tells `keep` at once. At `end`, in milliseconds of `Date.now()`, the case that runs has
 * failed, and no other begins.
 */
async function runLab(
  cases: readonly LabCase[],
  { end = Infinity, keep }: { end?: number; keep?: (result: CaseResult) => void } = {},
): Promise<CaseResult[]> {
  const cache = labCache();
  const media = minorsOf(cases).map((minor) => ({ version: minor.kubernetes, file: mediumOf(cache, minor) }));
  const world = await LabWorld.start(say, [nodeRoot(cache), ...media.map(({ file }) => file)]);
  const interrupted = () => void world.stop().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted);
  const results: CaseResult[] = [];
  try {
    await world.register(nodeRoot(cache), media);
    for (const one of cases) {
      if (Date.now() > end) break;
      const result = await runCase(world, one, end);
      results.push(result);
      keep?.(result);
      if (!result.passed && !process.env['CKS_LAB_KEEP']) await removeClusters(world);
      if (!result.passed && process.env['CKS_LAB_KEEP']) break;
    }
    if (results.every(({ passed }) => passed)) await removeClusters(world);
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
async function removeClusters(world: LabWorld): Promise<void> {
  for (const { uuid } of world.rows<{ uuid: string }>('SELECT uuid FROM kubernetes_cluster WHERE removed IS NULL'))
    await world
      .begun('deleteKubernetesCluster', { id: uuid })
      .then((job) => world.jobEnds(job, 600))
      .catch((error: unknown) => say(`  a cluster is left: ${error instanceof Error ? error.message : String(error)}`));
}

async function runCase(world: LabWorld, one: LabCase, end: number): Promise<CaseResult> {
  const { name, features } = one;
  const began = Date.now();
  const seconds = () => Math.round((Date.now() - began) / 100) / 10;
  say(`case: ${name}`);
  try {
    await within(
      end,
      one.run(world, (line) => say(`  ${line}`)),
    );
    say(`  passed after ${seconds()} s`);
    return { name, features, result: 'passed', passed: true, seconds: seconds() };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    say(`  FAILED after ${seconds()} s: ${why}`);
    return { name, features, result: 'failed', passed: false, seconds: seconds(), why };
  }
}

/** Fails when the work has not ended then. */
async function within(end: number, work: Promise<void>): Promise<void> {
  if (end === Infinity) return work;
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the time that CI has for the lab is over')), end - Date.now());
  });
  await Promise.race([work, over]).finally(() => clearTimeout(timer));
}

/** CI chooses cases that end in its time; one that hangs gets so much more. */
const GRACE_MINUTES = 15;
/** On a quiet machine of two cores the programs of one version take two thirds of it. */
const CORE_BUILD_MINUTES = 20;

/** Makes what the core needs. Answers why it cannot be had on this machine; an error is the project's own. */
async function prepareCore(cases: readonly LabCase[]): Promise<string | undefined> {
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

const failures = (ran: readonly CaseResult[]) => {
  const failed = ran.filter(({ passed }) => !passed).length;
  say(`${ran.length - failed} passed, ${failed} failed, ${CASES.length - ran.length} not run`);
  return failed > 0 || ran.length === 0 ? 1 : 0;
};

/** What a case needs that only whole runs of the lab build, or that CI does not install. */
function lackOf(one: LabCase): string | undefined {
  const missing = one.next ? unbuilt(labCache(), NEXT) : [];
  return missing.length > 0 ? `${NEXT.kubernetes} is not built here` : whyNoLab([one]);
}

/** What the machine lacks is said in one line and is no failure; the results that the repository keeps are left alone. */
async function runCi(minutes: number): Promise<number> {
  const end = Date.now() + minutes * 60_000;
  const why = await prepareCore(CASES.filter(({ core }) => core));
  if (why !== undefined) {
    say(`left out: all of it: ${why}`);
    return 0;
  }
  const kept = readResults(RESULTS);
  const { chosen, left } = chooseForCi(CASES, {
    seconds: (end - Date.now()) / 1000,
    took: ({ name }) => kept.find((result) => result.name === name && result.passed)?.seconds,
    lacks: lackOf,
  });
  say(left);
  return failures(await runLab(chosen, { end: Math.max(end, Date.now()) + GRACE_MINUTES * 60_000 }));
}

const USAGE = `usage: npm run lab [-- TEXT…]            all cases, or those whose name has one of the texts; builds what is missing
       npm run lab -- --core [MINUTES]   what CI runs: the core, and what else there is time for in so many minutes (0)
`;

async function main(words: readonly string[]): Promise<number> {
  const [first, minutes = '0', ...more] = words;
  const isCore = first === '--core';
  if (isCore ? !/^-?\d+$/.test(minutes) || more.length > 0 : words.some((word) => word.startsWith('-'))) {
    const isHelp = first === '--help' || first === '-h';
    (isHelp ? process.stdout : process.stderr).write(USAGE);
    return isHelp ? 0 : 2;
  }
  if (isCore) return runCi(Number(minutes));
  const wanted = CASES.filter(({ name }) => words.length === 0 || words.some((text) => name.includes(text)));
  const why = whyNoLab(wanted);
  if (why !== undefined) {
    process.stderr.write(`lab: ${why}\n`);
    return 2;
  }
  for (const minor of minorsOf(wanted)) await build(labCache(), minor, say);
  const ran = await runLab(wanted, { keep });
  say('npm run reference takes the results over into docs/reality.md');
  return failures(ran);
}

/** What a case runs; results of other cases change nothing of it. */
const CODE = ['--', '.', ':!lab/results.json', ':!docs'];

/** Writes down how a case went, and on which commit of the code, in the file that the repository keeps. */
function keep(ran: CaseResult): void {
  const git = (...words: string[]) => execFileSync('git', words, { cwd: projectRoot(), encoding: 'utf8' }).trim();
  const isDirty = git('status', '--porcelain', ...CODE) !== '';
  const commit = `${git('log', '-1', '--format=%h', ...CODE)}${isDirty ? '-dirty' : ''}`;
  const run = { when: new Date().toISOString(), commit, machine: machineText() };
  writeResults(
    RESULTS,
    merge(CASES, readResults(RESULTS), [ran], (one) => ({ ...run, versions: versionsOf(one) })),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(await main(process.argv.slice(2)));
