import { createRequire } from 'node:module';
import { join } from 'node:path';

type Sqlite = new (path: string, options: { timeout: number }) => { exec(sql: string): void; close(): void };

/** Milliseconds between two tries: what is waited for takes minutes. */
const PAUSE_MS = 250;

/**
 * Runs `body` while no other process does the same with that folder; `waiting` is called once when another one does. The lock is SQLite's
 * on a file in the folder, so it is free as soon as its holder is gone, however that ended.
 */
export async function withCacheLock<T>(folder: string, waiting: () => void, body: () => Promise<T>): Promise<T> {
  const Database = createRequire(import.meta.url)('better-sqlite3') as Sqlite;
  const lock = new Database(join(folder, 'fetching.lock'), { timeout: 0 });
  try {
    for (let said = false; ; said = true)
      try {
        lock.exec('BEGIN EXCLUSIVE');
        break;
      } catch (error) {
        if (!String((error as { code?: string }).code).startsWith('SQLITE_BUSY')) throw error;
        if (!said) waiting();
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    return await body();
  } finally {
    lock.close();
  }
}
