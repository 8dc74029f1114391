import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Demo, nextSteps, readAdmin } from './demo.js';
import { lockHome, prepareHome, shown, type HomeLock } from './home.js';
import { endLeftovers } from './leftovers.js';
import { takenPorts } from './ports.js';
import { projectRoot } from '../db/project-root.js';
import { Screen } from './screen.js';
import { portsOf, readStartSettings, type Env, type StartSettings } from './start-settings.js';
import { Supervisor, type Programs } from './supervisor.js';
import { findTemporal, onPath, setRetention } from './temporal.js';
import { devServerArguments, readTemporalSettings } from './temporal-settings.js';

/** How long a start waits for one that is just ending. */
const HANDOVER_MS = 60_000;
/** npm passes a terminal's Ctrl-C on, so that it arrives twice; only a later one means "at once". */
const SECOND_SIGNAL_MS = 1000;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** The real programs of this tree. */
export function ownPrograms(settings: StartSettings, say: (line: string) => void, env: Env): Programs {
  const node = (path: string) => [process.execPath, '--enable-source-maps', join(projectRoot(), 'dist', path)];
  const programs: Programs = {
    migrate: node('scripts/migrate.js'),
    api: node('api/server.js'),
    worker: node('worker.js'),
    simulator: node('simulator/main.js'),
  };
  if (settings.temporalAddress) return programs;
  const temporal = readTemporalSettings();
  const { temporalPort, temporalUiPort, home } = settings;
  const place = { port: temporalPort, uiPort: temporalUiPort, dbFilename: join(home, temporal.file) };
  let program = '';
  return {
    ...programs,
    temporal: async () => {
      program = await findTemporal(say, env, temporal);
      return [program, ...devServerArguments(temporal, place)];
    },
    afterTemporal: () => setRetention(program, temporalPort, temporal),
  };
}

async function takeHome(home: string, screen: Screen): Promise<HomeLock> {
  let said = false;
  for (let waited = 0; ; waited += 100) {
    const lock = lockHome(home);
    if ('release' in lock) return lock;
    if (!lock.stopping || waited > HANDOVER_MS) {
      throw new Error(
        `another npm start (pid ${lock.pid || 'unknown'}) uses CKS_HOME=${home}: stop it, or set CKS_HOME to another folder`,
      );
    }
    if (!said) screen.line(`cks: waiting for the start before (pid ${lock.pid}) to end`);
    said = true;
    await sleep(100);
  }
}

async function checkPorts(settings: StartSettings, patient: boolean): Promise<void> {
  let taken = await takenPorts(portsOf(settings));
  for (let waited = 0; patient && taken.length > 0 && waited < 3000; waited += 100) {
    await sleep(100);
    taken = await takenPorts(portsOf(settings));
  }
  if (taken.length > 0) throw new Error(taken.join('\ncks: '));
}

/** Runs everything until a signal ends it. Answers the exit status. */
export async function start(env: Env, screen: Screen, programsOf = ownPrograms): Promise<number> {
  const began = Date.now();
  const say = (line: string) => screen.line(`cks: ${line}`);
  const settings = readStartSettings(env);
  process.umask(0o077); // also of all parts: databases and logs are nobody else's
  prepareHome(settings.home);
  const lock = await takeHome(settings.home, screen);
  const ended = await endLeftovers(settings.home);
  if (ended.length > 0) say(`ended what a killed start had left: ${ended.join(', ')}`);
  await checkPorts(settings, ended.length > 0);

  const supervisor = new Supervisor(settings, programsOf(settings, say, env), env, say);
  let signalled: number | undefined;
  const stopped = new Promise<void>((resolve, reject) => {
    const stop = (why: string) => {
      if (signalled !== undefined) {
        if (Date.now() - signalled < SECOND_SIGNAL_MS) return;
        supervisor.kill();
        process.exit(130);
      }
      signalled = Date.now();
      lock.markStopping();
      screen.end();
      say(`${why}: stopping (again to stop at once)`);
      supervisor.stop().then(resolve, reject);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(signal));
    watchParent(env, () => stop('npm was killed'));
  });

  say(`starting in ${shown(settings.home)}`);
  try {
    const ready = await supervisor.up();
    if (ready) {
      say(`ready after ${((Date.now() - began) / 1000).toFixed(1)} s`);
      await present(settings, screen, supervisor, env);
    }
  } catch (error) {
    if (signalled === undefined) {
      await supervisor.stop();
      lock.release();
      throw error;
    }
  }
  await stopped;
  lock.release();
  say('stopped');
  return 0;
}

async function present(settings: StartSettings, screen: Screen, supervisor: Supervisor, env: Env): Promise<void> {
  const admin = readAdmin(settings.home);
  const stopping = () => supervisor.stopping;
  const cluster = settings.demo
    ? await new Demo(settings.home, screen, stopping, admin).run().catch((error: unknown) => {
        if (!stopping())
          screen.line(`cks: no demonstration cluster: ${error instanceof Error ? error.message : String(error)}`);
        return undefined;
      })
    : undefined;
  if (stopping()) return;
  const has = { cs: Boolean(await onPath('cs', env)), kubectl: Boolean(await onPath('kubectl', env)) };
  for (const line of nextSteps(settings.home, admin, cluster, has)) screen.line(line);
}

/** npm killed with SIGKILL cannot tell us; without this we would go on with nobody who knows. */
function watchParent(env: Env, gone: () => void): void {
  if (env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    gone();
  }, 250);
  timer.unref();
}

/** Runs `start` as a program: its failure is one line on standard error. */
export async function main(programsOf = ownPrograms): Promise<void> {
  try {
    process.exit(await start(process.env, new Screen(process.stdout), programsOf));
  } catch (error) {
    process.stderr.write(`cks: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
