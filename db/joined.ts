import { engineOf, type Db } from './knex.js';

type Row = Record<string, unknown>;
interface Statement {
  select: string;
  /** Column of the answer, name of the table in the statement, column of the table. */
  columns: (readonly [string, string, string])[];
}

/** Of each database, by `FROM`: columns are looked up once. */
const known = new WeakMap<object, Map<string, Statement>>();

async function statementOf(db: Db, tables: Record<string, string>, from: string): Promise<Statement> {
  const columns: Statement['columns'] = [];
  for (const [alias, table] of Object.entries(tables))
    for (const column of Object.keys(await db(table).columnInfo())) columns.push([`${alias}.${column}`, alias, column]);
  const list = columns.map(([name, alias, column]) => `${alias}.\`${column}\` AS \`${name}\``);
  return { select: `SELECT ${list.join(', ')} FROM ${from} LIMIT 1`, columns };
}

/**
 * The first row that `from` finds, as one row of each of its tables: one statement costs a tenth of ten. `tables` names them by their
 * aliases in `from`; one that a left join did not find (its `id` is null) is undefined. Undefined when `from` finds nothing.
 */
export async function readJoined<T extends object>(
  db: Db,
  tables: Record<keyof T & string, string>,
  from: string,
  values: readonly (string | number)[],
): Promise<Partial<T> | undefined> {
  const statements = known.get(db.client.config as object) ?? new Map<string, Statement>();
  known.set(db.client.config as object, statements);
  const { select, columns } = statements.get(from) ?? (await statementOf(db, tables, from));
  statements.set(from, { select, columns });
  const answer: unknown = await db.raw(select, values as string[]);
  const [found] = engineOf(db) === 'mysql' ? (answer as [Row[]])[0] : (answer as Row[]);
  if (!found) return undefined;
  const rows: Record<string, Row> = {};
  for (const [name, alias, column] of columns) (rows[alias] ??= {})[column] = found[name];
  return Object.fromEntries(Object.entries(rows).filter(([, row]) => row['id'] !== null)) as Partial<T>;
}
