import type { Knex } from 'knex';
import { engineOf, type Engine } from './knex.js';
import { clusters } from './migrations/0001-clusters.js';

/** A numbered, forward-only schema change. Every table is made by one idempotent statement, so a killed migration is run again. */
export interface Migration {
  name: string;
  /** Table name → columns and keys, then `; index(a, b)` for each further index. */
  tables: Record<string, string>;
}

const MIGRATIONS: readonly Migration[] = [clusters];

const TYPES: Record<Engine, Record<string, string>> = {
  sqlite: { id: 'id INTEGER PRIMARY KEY AUTOINCREMENT', time: 'TEXT', text: 'TEXT' },
  mysql: { id: 'id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY', time: 'DATETIME(3)', text: 'MEDIUMTEXT' },
};

/** The statements that make one table; each may be run again. */
export function statementsOf(engine: Engine, table: string, text: string): string[] {
  const [columns = '', ...indexes] = text
    .replace(/\{(\w+)\}/g, (_, type: string) => TYPES[engine][type] ?? type)
    .split(';');
  const wanted = indexes.map((index) => /index\((.*)\)/.exec(index)?.[1] ?? '');
  const name = (index: string) => `${table}_${index.replace(/\W+/g, '_')}`;
  if (engine === 'mysql') {
    const inline = wanted.map((index) => `, INDEX ${name(index)} (${index})`).join('');
    return [`CREATE TABLE IF NOT EXISTS \`${table}\` (${columns}${inline}) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`];
  }
  return [
    `CREATE TABLE IF NOT EXISTS "${table}" (${columns})`,
    ...wanted.map((index) => `CREATE INDEX IF NOT EXISTS ${name(index)} ON "${table}" (${index})`),
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
        await trx('write_lock').insert({ id: 0 }).onConflict('id').ignore();
        await trx('schema_migration').insert({ name: migration.name }).onConflict('name').ignore();
      }
    } finally {
      if (engine === 'mysql') await trx.raw(`SELECT RELEASE_LOCK('cks-migrate')`);
    }
  });
}

const LOCK_SECONDS = 120;

async function lock(trx: Knex.Transaction): Promise<void> {
  const [rows] = (await trx.raw(`SELECT GET_LOCK('cks-migrate', ?) AS held`, [LOCK_SECONDS])) as [
    { held: number | null }[],
  ];
  if (rows[0]?.held !== 1)
    throw new Error(`another migration has held its lock for ${LOCK_SECONDS} s: look at it, then run this one again`);
}
