import type { Db } from './knex.js';
import type { Query } from './matching.js';
import type { AccountRow } from './rows.js';

/** Whether projects' objects are among them: both when not said. Projects own through an account of type 5. */
export type ProjectShare = 'without' | 'only';

/** Whose objects a query shows: all, some accounts', one domain's, or a domain's and below. Decided in `api/ownership.ts`. */
export type Owners =
  | { kind: 'all'; projects?: ProjectShare }
  | { kind: 'none' }
  | { kind: 'account'; accountId: string }
  | { kind: 'accounts'; accountIds: readonly string[] }
  | { kind: 'domain'; domainId: string; projects?: ProjectShare }
  | { kind: 'subtree'; path: string; projects?: ProjectShare };

/** Account type of a project's account. */
export const PROJECT_ACCOUNT = 5;

/** What begins the path of every domain below: paths are `ROOT/eng` or `/eng/`. */
const below = (path: string): string => (path.endsWith('/') ? path : `${path}/`);

/** True when `path` is the domain at `root` or one below it. */
export const isWithin = (path: string, root: string): boolean => path === root || path.startsWith(below(root));

/** Joins an owned table's account (`a`) and domain (`d`). */
export const joinOwner = (query: Query, accountColumn: string): Query =>
  query.join('account as a', 'a.uuid', accountColumn).join('domain as d', 'd.uuid', 'a.domain_id');

export const OWNER_COLUMNS = [
  'a.account_name as owner_name',
  'd.uuid as owner_domain_id',
  'd.name as owner_domain',
  'd.path as owner_path',
  'a.project_id as owner_project_id',
  'a.project_name as owner_project',
] as const;
export interface OwnerColumns {
  owner_name: string;
  owner_domain_id: string;
  owner_domain: string;
  owner_path: string;
  owner_project_id: string | null;
  owner_project: string | null;
}

/** Restricts a query with the aliases of `joinOwner` to what `owners` names. */
export function whereOwned(query: Query, owners: Owners): Query {
  if ('projects' in owners && owners.projects !== undefined)
    void query.where('a.type', owners.projects === 'only' ? '=' : '<>', PROJECT_ACCOUNT);
  switch (owners.kind) {
    case 'all':
      return query;
    case 'none':
      return query.whereRaw('1 = 0');
    case 'account':
      return query.where('a.uuid', owners.accountId);
    case 'accounts':
      return query.whereIn('a.uuid', [...owners.accountIds]);
    case 'domain':
      return query.where('d.uuid', owners.domainId);
    case 'subtree':
      return whereWithin(query, owners.path);
  }
}

/** Restricts a query with alias `d` to a domain and those below it. */
export const whereWithin = (query: Query, path: string): Query =>
  query.where((either: Query) => {
    const start = below(path);
    void either.where('d.path', path).orWhereRaw('SUBSTR(d.path, 1, ?) = ?', [start.length, start]);
  });

export const findAccount = (db: Db, name: string, domainId: string): Promise<AccountRow | undefined> =>
  Promise.resolve(
    db<AccountRow>('account').where({ account_name: name, domain_id: domainId }).whereNull('removed').first(),
  );

/** The account's domain path, or undefined when there is no such account. */
export async function accountDomain(db: Db, accountId: string): Promise<{ path: string } | undefined> {
  return db('account as a')
    .join('domain as d', 'd.uuid', 'a.domain_id')
    .where('a.uuid', accountId)
    .first<{ path: string } | undefined>('d.path as path');
}
