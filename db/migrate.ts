import type { Knex } from 'knex';
import { engineOf, type Engine } from './knex.js';
import { clusters } from './migrations/0001-clusters.js';
import { lifecycle } from './migrations/0002-lifecycle.js';
import { hosts } from './migrations/0003-hosts.js';
import { networks } from './migrations/0004-networks.js';
import { images } from './migrations/0005-images.js';
import { machines } from './migrations/0006-machines.js';
import { evidence } from './migrations/0007-evidence.js';
import { indexes } from './migrations/0008-indexes.js';
import { replacedNodes } from './migrations/0009-replaced-nodes.js';

/** A numbered, forward-only schema change. Every table is made by one idempotent statement, so a killed migration is run again. */
export interface Migration {
  name: string;
  /** Table name → columns and keys, then `; index(a, b)` for each further index. */
  tables: Record<string, string>;
  /** Table of an earlier migration → its new columns with their types; each has a default or may be null. */
  columns?: Record<string, Record<string, string>>;
  /** Table of an earlier migration → a unique key of it that becomes another. */
  uniques?: Record<string, UniqueChange>;
  /** Table of an earlier migration → columns of each further index. */
  indexes?: Record<string, readonly string[]>;
}
export interface UniqueChange {
  was: readonly string[];
  is: readonly string[];
}

/** All, in order. */
export const MIGRATIONS: readonly Migration[] = [
  clusters,
  lifecycle,
  hosts,
  networks,
  images,
  machines,
  evidence,
  indexes,
  replacedNodes,
];

const TYPES: Record<Engine, Record<string, string>> = {
  sqlite: { id: 'id INTEGER PRIMARY KEY AUTOINCREMENT', time: 'TEXT', text: 'TEXT' },
  mysql: { id: 'id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY', time: 'DATETIME(3)', text: 'MEDIUMTEXT' },
};

const typed = (engine: Engine, text: string) =>
  text.replace(/\{(\w+)\}/g, (_, type: string) => TYPES[engine][type] ?? type);

const indexName = (table: string, columns: string) => `${table}_${columns.replace(/\W+/g, '_')}`;

/** The statements that make one table; each may be run again. */
export function statementsOf(engine: Engine, table: string, text: string): string[] {
  const [columns = '', ...indexes] = typed(engine, text).split(';');
  const wanted = indexes.map((index) => /index\((.*)\)/.exec(index)?.[1] ?? '');
  if (engine === 'mysql') {
    const inline = wanted.map((index) => `, INDEX ${indexName(table, index)} (${index})`).join('');
    return [`CREATE TABLE IF NOT EXISTS \`${table}\` (${columns}${inline}) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`];
  }
  return [
    `CREATE TABLE IF NOT EXISTS "${table}" (${columns})`,
    ...wanted.map((index) => `CREATE INDEX IF NOT EXISTS ${indexName(table, index)} ON "${table}" (${index})`),
  ];
}

/**
 * Brings the schema up to date. Safe to run at the same time from several processes and to kill at any moment: the lock is the
 * database's own and dies with its holder.
 */
export async function migrate(db: Knex): Promise<void> {
  const engine = engineOf(db);
  await db.transaction(async (trx) => {
    if (engine === 'mysql') await lock(trx);
    else await trx.raw('CREATE TABLE IF NOT EXISTS schema_migration (name VARCHAR(191) NOT NULL PRIMARY KEY)');
    try {
      if (engine === 'mysql')
        await trx.raw('CREATE TABLE IF NOT EXISTS schema_migration (name VARCHAR(191) NOT NULL PRIMARY KEY)');
      for (const migration of MIGRATIONS) {
        if (await trx('schema_migration').where({ name: migration.name }).first()) continue;
        for (const [table, text] of Object.entries(migration.tables))
          for (const statement of statementsOf(engine, table, text)) await trx.raw(statement);
        for (const [table, columns] of Object.entries(migration.columns ?? {}))
          for (const [column, type] of Object.entries(columns))
            if (!(await trx.schema.hasColumn(table, column)))
              await trx.raw('ALTER TABLE ?? ADD COLUMN ?? ' + typed(engine, type), [table, column]);
        for (const [table, change] of Object.entries(migration.uniques ?? {}))
          await (engine === 'mysql' ? changeUniqueMysql : changeUniqueSqlite)(trx, table, change);
        for (const [table, added] of Object.entries(migration.indexes ?? {}))
          for (const columns of added) await addIndex(trx, table, columns);
        await trx('write_lock').insert({ id: 0 }).onConflict('id').ignore();
        await trx('schema_migration').insert({ name: migration.name }).onConflict('name').ignore();
      }
    } finally {
      if (engine === 'mysql') await trx.raw(`SELECT RELEASE_LOCK('cks-migrate')`);
    }
  });
}

/** Throws when the schema is not there or is older than this release. */
export async function assertMigrated(db: Knex): Promise<void> {
  const known = (await db.schema.hasTable('schema_migration'))
    ? await db('schema_migration').pluck<string[]>('name')
    : [];
  const missing = MIGRATIONS.filter(({ name }) => !known.includes(name)).map(({ name }) => name);
  if (missing.length > 0)
    throw new Error(`the database lacks ${missing.join(', ')}: npm run migrate brings it up to date`);
}

/** MySQL knows no IF NOT EXISTS for an index. */
async function addIndex(trx: Knex.Transaction, table: string, columns: string): Promise<void> {
  const name = indexName(table, columns);
  if (engineOf(trx) === 'mysql') {
    const known = await trx('information_schema.statistics')
      .where({ table_name: table, index_name: name })
      .whereRaw('table_schema = DATABASE()')
      .first<object | undefined>('index_name');
    if (!known) await trx.raw(`ALTER TABLE ?? ADD INDEX ?? (${columns})`, [table, name]);
  } else await trx.raw(`CREATE INDEX IF NOT EXISTS ?? ON ?? (${columns})`, [name, table]);
}

async function changeUniqueMysql(trx: Knex.Transaction, table: string, { was, is }: UniqueChange): Promise<void> {
  const [keys] = (await trx.raw(
    `SELECT index_name AS name, GROUP_CONCAT(column_name ORDER BY seq_in_index) AS columns_in_order FROM information_schema.statistics
     WHERE table_schema = DATABASE() AND table_name = ? AND non_unique = 0 GROUP BY index_name`,
    [table],
  )) as [{ name: string; columns_in_order: string }[]];
  const old = keys.find((key) => key.columns_in_order === was.join(','));
  // One statement: a killed migration finds the old key or the new one.
  if (old) await trx.raw(`ALTER TABLE ?? DROP INDEX ??, ADD UNIQUE (${is.join(', ')})`, [table, old.name]);
}

/** SQLite cannot drop a key: the table is made anew, in the transaction of the migration. */
async function changeUniqueSqlite(trx: Knex.Transaction, table: string, { was, is }: UniqueChange): Promise<void> {
  const made = await trx('sqlite_master')
    .where({ tbl_name: table })
    .whereNotNull('sql')
    .select<{ type: string; sql: string }[]>('type', 'sql');
  const old = made.find(({ type }) => type === 'table')?.sql ?? '';
  const text = old.replace(`UNIQUE (${was.join(', ')})`, `UNIQUE (${is.join(', ')})`);
  if (text === old) return;
  await trx.raw(text.replace(/CREATE TABLE\s+["`]?\w+["`]?/i, `CREATE TABLE "${table}_next"`));
  await trx.raw('INSERT INTO ?? SELECT * FROM ??', [`${table}_next`, table]);
  await trx.raw('DROP TABLE ??', [table]);
  await trx.raw('ALTER TABLE ?? RENAME TO ??', [`${table}_next`, table]);
  for (const { type, sql } of made) if (type === 'index') await trx.raw(sql);
}

const LOCK_SECONDS = 120;

async function lock(trx: Knex.Transaction): Promise<void> {
  const [rows] = (await trx.raw(`SELECT GET_LOCK('cks-migrate', ?) AS held`, [LOCK_SECONDS])) as [
    { held: number | null }[],
  ];
  if (rows[0]?.held !== 1)
    throw new Error(`another migration has held its lock for ${LOCK_SECONDS} s: look at it, then run this one again`);
}
