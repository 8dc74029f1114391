import type { Knex } from 'knex';
import { engineOf, type Db } from './knex.js';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- rows of any joined shape
export type Query = Knex.QueryBuilder<any, any>;

export interface Page {
  /** Undefined: all. */
  limit?: number;
  offset: number;
}
export interface Listed<T> {
  count: number;
  rows: T[];
}

/** Equality that ignores case on both engines, as MySQL's default collation does for the original's users. */
export const sameText = (db: Db, query: Query, column: string, value: string): Query =>
  engineOf(db) === 'mysql' ? query.where(column, value) : query.whereRaw('?? = ? COLLATE NOCASE', [column, value]);

/** Substring that ignores case; `%` and `_` mean themselves. */
export const containsText = (query: Query, column: string, text: string): Query =>
  query.whereRaw(LIKE, [column, `%${literal(text)}%`]);

/** Whether a comma-separated list holds the word, whatever its case. */
export function holdsWord(query: Query, column: string, word: string): Query {
  const own = literal(word);
  const patterns = [own, `${own},%`, `%,${own}`, `%,${own},%`];
  return query.where((any) => patterns.forEach((pattern) => void any.orWhereRaw(LIKE, [column, pattern])));
}

const LIKE = `?? LIKE ? ESCAPE '!'`;
/** As a part of a pattern for `LIKE`. */
const literal = (text: string): string => text.replace(/[!%_]/g, '!$&');

/** One query for the page and, only where the page does not tell it, one for the count. */
export async function readPage<T>(
  query: Query,
  columns: readonly string[],
  order: string | readonly string[],
  page: Page,
  direction: 'asc' | 'desc' = 'asc',
): Promise<Listed<T>> {
  const shown = query.clone().select([...columns]);
  for (const column of [order].flat()) void shown.orderBy(column, direction);
  if (page.limit !== undefined) void shown.limit(page.limit);
  if (page.offset > 0) void shown.limit(page.limit ?? Number.MAX_SAFE_INTEGER).offset(page.offset);
  const rows = (await shown) as T[];
  const complete = (page.limit === undefined || rows.length < page.limit) && (rows.length > 0 || page.offset === 0);
  if (complete) return { count: page.offset + rows.length, rows };
  const total = (await query.clone().count({ total: '*' }).first()) as { total: number | string } | undefined;
  return { count: Number(total?.total ?? 0), rows };
}

/** `where` for each given value that equals a column; undefined values filter nothing. */
export function whereGiven(query: Query, values: Readonly<Record<string, string | number | undefined>>): Query {
  for (const [column, value] of Object.entries(values)) if (value !== undefined) void query.where(column, value);
  return query;
}
