import knex, { type Knex } from 'knex';

export type Db = Knex | Knex.Transaction;
export type Engine = 'sqlite' | 'mysql';

/**
 * One connection pool for MySQL (`mysql://user:password@host:port/name`) or SQLite (`sqlite:/path/to/file`).
 * SQLite: write-ahead log, so that several processes read while one writes; `synchronous=NORMAL` is safe against a killed process.
 */
export function connect(url: string): Knex {
  if (url.startsWith('mysql://')) {
    return knex({
      client: 'mysql2',
      connection: { uri: url, timezone: 'Z', dateStrings: true, supportBigNumbers: true, charset: 'utf8mb4' } as never,
      pool: {
        min: 0,
        max: 20,
        // Each statement sees what is committed by then, so that what is read after a lock was waited for is not a stale copy.
        afterCreate: (
          connection: { query(text: string, done: (error: unknown) => void): void },
          done: (error: unknown) => void,
        ) => connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', done),
      },
    });
  }
  if (!url.startsWith('sqlite:')) {
    throw new Error(`DATABASE_URL must begin with mysql:// or sqlite:, found "${url.split(':')[0]}:…"`);
  }
  return knex({
    client: 'better-sqlite3',
    connection: { filename: url.slice('sqlite:'.length) },
    useNullAsDefault: true,
    pool: {
      min: 1,
      max: 1,
      afterCreate: (connection: SqliteConnection, done: (error: unknown) => void) => {
        try {
          keepStatements(connection);
          for (const pragma of [
            'busy_timeout = 10000',
            'journal_mode = WAL',
            'synchronous = NORMAL',
            'foreign_keys = ON',
          ])
            connection.pragma(pragma);
          done(null);
        } catch (error) {
          done(error);
        }
      },
    },
  });
}

interface SqliteConnection {
  pragma(text: string): unknown;
  prepare(sql: string): unknown;
}

/** Statements that one connection keeps; texts beyond that are lists of unusual lengths. */
const MOST_STATEMENTS = 500;

/** Has a connection compile each statement once: SQLite does so again by itself when the schema has changed. */
function keepStatements(connection: SqliteConnection): void {
  const kept = new Map<string, unknown>();
  const prepare = connection.prepare.bind(connection);
  connection.prepare = (sql) => {
    const statement = kept.get(sql) ?? prepare(sql);
    // The last used is the last to go.
    kept.delete(sql);
    kept.set(sql, statement);
    if (kept.size > MOST_STATEMENTS) kept.delete(kept.keys().next().value!);
    return statement;
  };
}

export const engineOf = (db: Db): Engine => (String(db.client.config.client) === 'mysql2' ? 'mysql' : 'sqlite');

const RETRIED = new Set([
  'SQLITE_BUSY',
  'SQLITE_BUSY_SNAPSHOT',
  'ER_LOCK_DEADLOCK',
  'ER_LOCK_WAIT_TIMEOUT',
  'PROTOCOL_CONNECTION_LOST',
]);

/**
 * Runs `body` in one transaction and again when the engine reports a deadlock or a busy database.
 * SQLite takes its write lock at the start (`BEGIN IMMEDIATE`), so that a read first cannot end as busy.
 */
export async function transact<T>(db: Knex, body: (trx: Knex.Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.transaction(async (trx) => {
        // A write that touches nothing makes SQLite take the write lock before the first read of the transaction.
        if (engineOf(db) === 'sqlite') await trx('write_lock').where({ id: 0 }).update({ id: 0 });
        return body(trx);
      });
    } catch (error) {
      if (attempt >= 12 || !RETRIED.has(String((error as { code?: string }).code))) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10 * attempt * (1 + Math.random())));
    }
  }
}

/** The database's own clock as text, UTC, `YYYY-MM-DD HH:MM:SS.mmm`: the form in which both engines keep and return times. */
export const now = (db: Db): Knex.Raw =>
  engineOf(db) === 'mysql' ? db.raw('UTC_TIMESTAMP(3)') : db.raw(`strftime('%Y-%m-%d %H:%M:%f','now')`);

/** The database's clock plus some seconds (negative: before now). */
export const nowPlus = (db: Db, seconds: number): Knex.Raw =>
  engineOf(db) === 'mysql'
    ? db.raw('DATE_ADD(UTC_TIMESTAMP(3), INTERVAL ? SECOND)', [seconds])
    : db.raw(`strftime('%Y-%m-%d %H:%M:%f','now', ?)`, [`${seconds} seconds`]);

/** Milliseconds since the epoch of a stored time. */
export const millis = (stored: string): number => Date.parse(`${stored.replace(' ', 'T')}Z`);
