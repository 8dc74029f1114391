import { execFile, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { lockFile } from '../db/file-lock.js';
import { readTemporalSettings, type TemporalSettings } from './temporal-settings.js';

const run = promisify(execFile);
type Env = Record<string, string | undefined>;
type Say = (line: string) => void;

const isProgram = (path: string) => access(path, constants.X_OK).then(() => true, () => false); // prettier-ignore

/** The first existing program of that name on the PATH. */
export async function onPath(name: string, env: Env = process.env): Promise<string | undefined> {
  for (const folder of (env.PATH ?? '').split(delimiter).filter(Boolean))
    if (await isProgram(join(folder, name))) return join(folder, name);
  return undefined;
}

/** Where fetched programs are kept for all users of this tree. */
export function cacheFolder(env: Env = process.env): string {
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'cks');
}

async function installed(env: Env): Promise<string | undefined> {
  const home = env.HOME || homedir();
  const goFolders = [env.GOBIN, ...(env.GOPATH ?? '').split(delimiter).filter(Boolean).map((path) => join(path, 'bin')), join(home, 'go', 'bin')]; // prettier-ignore
  const places = [...goFolders.filter((folder) => folder !== undefined && folder !== ''), cacheFolder(env)];
  const found = await onPath('temporal', env);
  if (found) return found;
  for (const folder of places)
    if (await isProgram(join(folder as string, 'temporal'))) return join(folder as string, 'temporal');
  return undefined;
}

/** The address that the SDK's own test server is fetched from answers where the archive for a system is. */
async function download(settings: TemporalSettings, folder: string): Promise<string> {
  const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch as string];
  if (!arch) throw new Error(`no download for processor ${process.arch}`);
  const answer = await fetch(`https://temporal.download/cli/${settings.cli}?platform=linux&arch=${arch}`, {
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw new Error(`temporal.download answered ${answer.status}`);
  const place = (await answer.json()) as { archiveUrl: string; fileToExtract: string };
  const archive = await fetch(place.archiveUrl, { signal: AbortSignal.timeout(300_000) });
  if (!archive.ok) throw new Error(`${new URL(place.archiveUrl).host} answered ${archive.status}`);
  const draft = await mkdtemp(join(folder, 'download-'));
  try {
    await writeFile(join(draft, 'archive.tar.gz'), Buffer.from(await archive.arrayBuffer()));
    await run('tar', ['-xzf', join(draft, 'archive.tar.gz'), '-C', draft, place.fileToExtract]);
    await rename(join(draft, place.fileToExtract), join(folder, 'temporal'));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return join(folder, 'temporal');
}

async function goInstall(go: string, settings: TemporalSettings, folder: string, env: Env): Promise<string> {
  const draft = await mkdtemp(join(folder, 'go-'));
  const words: string[] = [];
  try {
    const child = spawn(go, ['install', `github.com/temporalio/cli/cmd/temporal@${settings.cli}`], {
      env: { ...env, GOBIN: draft },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.on('data', (text: Buffer) => words.push(text.toString()));
    const status = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
    if (status !== 0)
      throw new Error(`go install ended with ${String(status)}: ${words.join('').trim().split('\n').at(-1) ?? ''}`);
    await rename(join(draft, 'temporal'), join(folder, 'temporal'));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return join(folder, 'temporal');
}

/**
 * The path of the `temporal` program: on the PATH, in Go's folder, in the cache folder; else fetched into the cache folder, by
 * the SDK's download address or by Go. Throws one line with the remedy where no way works.
 */
export async function findTemporal(
  say: Say = () => {},
  env: Env = process.env,
  settings = readTemporalSettings(),
  fetchIt = download,
): Promise<string> {
  const found = await installed(env);
  if (found) return found;
  const folder = cacheFolder(env);
  await mkdir(folder, { recursive: true });
  const waiting = () => say('another start is fetching the temporal program: waiting for it');
  const unlock = await lockFile(join(folder, 'fetching.lock'), { waiting });
  try {
    // Whom this one waited for has fetched it, or was killed and left its drafts.
    const present = await installed(env);
    if (present) return present;
    for (const name of await readdir(folder))
      if (/^(go|download)-/.test(name)) await rm(join(folder, name), { recursive: true, force: true });
    return await fetchTemporal(say, folder, env, settings, fetchIt);
  } finally {
    unlock();
  }
}

async function fetchTemporal(
  say: Say,
  folder: string,
  env: Env,
  settings: TemporalSettings,
  fetchIt: typeof download,
): Promise<string> {
  const reasons: string[] = [];
  say(`the temporal program is not on the PATH: fetching ${settings.cli} once into ${folder}`);
  try {
    return await fetchIt(settings, folder);
  } catch (error) {
    reasons.push(`download: ${reasonOf(error)}`);
  }
  const go =
    (await onPath('go', env)) ?? ((await isProgram('/usr/local/go/bin/go')) ? '/usr/local/go/bin/go' : undefined);
  if (go) {
    say(`the download failed (${reasons[0]}): building it with Go instead, about four minutes, once`);
    try {
      return await goInstall(go, settings, folder, env);
    } catch (error) {
      reasons.push(reasonOf(error));
    }
  } else reasons.push('go is not installed');
  throw new Error(
    `Temporal's program was not found and cannot be fetched (${reasons.join('; ')}). Put \`temporal\` on the PATH ` +
      `(https://docs.temporal.io/cli), or install Go and run: go install github.com/temporalio/cli/cmd/temporal@${settings.cli}. ` +
      'Or name a running server in TEMPORAL_ADDRESS.',
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

/** Sets how long ended runs are kept: the dev server itself has no option for it. Doing it again changes nothing. */
export async function setRetention(program: string, port: number, settings: TemporalSettings): Promise<void> {
  const address = `${settings.ip}:${port}`;
  const args = [
    'operator',
    'namespace',
    'update',
    '--address',
    address,
    '-n',
    settings.namespace,
    '--retention',
    settings.retention,
  ];
  // No environment of the user: his TEMPORAL_… settings and profiles belong to another server.
  await run(program, [...args, '--disable-config-file', '--disable-config-env'], {
    env: { PATH: process.env.PATH ?? '' },
    timeout: 20_000,
  });
}
