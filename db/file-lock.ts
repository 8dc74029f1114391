import { createRequire } from 'node:module';

type Sqlite = new (path: string, options: { timeout: number }) => { exec(sql: string): void; close(): void };

const RETRY_MS = 200;

/**
 * Holds a file's lock against other processes; the kernel lets it go when this one dies. SQLite is used for its lock only: Node has
 * none of its own. `waiting` is called once when another process holds it. Returns how to let go.
 */
export async function lockFile(
  path: string,
  { signal, waiting }: { signal?: AbortSignal; waiting?: () => void },
): Promise<() => void> {
  const Database = createRequire(import.meta.url)('better-sqlite3') as Sqlite;
  // A busy wait inside SQLite would stop this whole process.
  const db = new Database(path, { timeout: 0 });
  try {
    for (let first = true; ; first = false) {
      signal?.throwIfAborted();
      try {
        db.exec('BEGIN EXCLUSIVE');
        return () => db.close();
      } catch (error) {
        if (!String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')) throw error;
        if (first) waiting?.();
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  } catch (error) {
    db.close();
    throw error;
  }
}
