import knex from 'knex';

const RETRY_MS = 200;

/**
 * Holds a file's lock against other processes; the kernel lets it go when this one dies. SQLite is used for its lock only: Node has
 * none of its own. Returns how to let go.
 */
export async function lockFile(path: string, signal: AbortSignal): Promise<() => Promise<void>> {
  const db = knex({
    client: 'better-sqlite3',
    connection: { filename: path },
    useNullAsDefault: true,
    pool: {
      min: 1,
      max: 1,
      // A busy wait inside SQLite would stop this whole process.
      afterCreate: (connection: { pragma(text: string): unknown }, done: (error: unknown) => void) => {
        connection.pragma('busy_timeout = 0');
        done(null);
      },
    },
  });
  try {
    for (;;) {
      signal.throwIfAborted();
      try {
        await db.raw('BEGIN EXCLUSIVE');
        return () => db.destroy();
      } catch (error) {
        if (!String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  } catch (error) {
    await db.destroy();
    throw error;
  }
}
