import { createRequire } from 'node:module';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** The little that is used of better-sqlite3, which brings no types. */
type Sqlite = new (path: string, options: { timeout: number }) => { exec(sql: string): void; close(): void };

/** Largest log that is continued at a start; a larger one becomes `.1`. */
const LOG_LIMIT_BYTES = 20 * 1024 * 1024;

/** A path as the user would type it: relative where that is shorter, quoted where a shell would split it. */
export function shown(path: string): string {
  const near = relative(process.cwd(), path);
  const text = near === '' ? '.' : near.startsWith('..') ? path : near;
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Level by level: Node's own recursive form never returns where the system answers "no such file" to every attempt, as in /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Makes the state folder and its `logs` and `run`; throws one line that names CKS_HOME when that cannot be. */
export function prepareHome(home: string): void {
  try {
    for (const folder of [home, join(home, 'logs'), join(home, 'run')]) makeFolder(folder);
    for (const folder of [home, join(home, 'logs'), join(home, 'run')]) {
      const probe = join(folder, `.probe-${process.pid}`);
      writeFileSync(probe, '', { mode: 0o600 });
      rmSync(probe);
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Error(`CKS_HOME=${home} cannot be written (${code}): set CKS_HOME to a folder of yours`);
  }
}

/** The log of a part, mode 0600, put aside once when it has grown large. */
export function logFile(home: string, name: string): string {
  const path = join(home, 'logs', `${name}.log`);
  if (existsSync(path) && statSync(path).size > LOG_LIMIT_BYTES) renameSync(path, `${path}.1`);
  return path;
}

export interface HomeLock {
  /** Tells a start that is waiting that this one is about to let go. */
  markStopping(): void;
  release(): void;
}

export interface Holder {
  pid: number;
  stopping: boolean;
}

/**
 * Takes the state folder for this process. The lock is SQLite's own on a file in it, so it dies with its holder however that
 * ends, and it works between containers that share the folder. Answers who holds it when it is taken.
 */
export function lockHome(home: string): HomeLock | Holder {
  const who = join(home, 'run', 'start.json');
  const Database = createRequire(import.meta.url)('better-sqlite3') as Sqlite;
  const db = new Database(join(home, 'run', 'start.lock'), { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (!String((error as { code?: string }).code).startsWith('SQLITE_BUSY')) throw error;
    try {
      return JSON.parse(readFileSync(who, 'utf8')) as Holder;
    } catch {
      return { pid: 0, stopping: true }; // just taken, its name not yet written: ask again
    }
  }
  const write = (stopping: boolean) => {
    writeFileSync(`${who}.new`, JSON.stringify({ pid: process.pid, stopping }), { mode: 0o600 });
    renameSync(`${who}.new`, who);
  };
  write(false);
  return {
    markStopping: () => write(true),
    // The file stays: removed before the lock goes it would make a waiting start give up, after it, it is the next holder's.
    release: () => db.close(),
  };
}
