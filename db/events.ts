import type { Db } from './knex.js';
import { containsText, readPage, sameText, whereGiven, type Listed, type Page, type Query } from './matching.js';
import { joinOwner, OWNER_COLUMNS, whereOwned, type OwnerColumns, type Owners } from './owners.js';
import type { EventRow } from './rows.js';

export interface EventListRow extends EventRow, OwnerColumns {
  username: string | null;
  resource_name: string | null;
}
export interface EventFilter {
  id?: string;
  type?: string;
  level?: string;
  state?: string;
  keyword?: string;
  startid?: string;
  resourceid?: string;
  resourcetype?: string;
  since?: string;
  until?: string;
  owners: Owners;
}

/** Newest first. */
export async function listEvents(db: Db, filter: EventFilter, page: Page): Promise<Listed<EventListRow>> {
  const query = whereOwned(
    joinOwner(db('event as e'), 'e.account_id')
      .leftJoin('user as u', 'u.uuid', 'e.user_id')
      .leftJoin('kubernetes_cluster as c', 'c.uuid', 'e.resource_id'),
    filter.owners,
  );
  whereGiven(query, { 'e.uuid': filter.id, 'e.resource_id': filter.resourceid });
  if (filter.type !== undefined) sameText(db, query, 'e.type', filter.type);
  if (filter.level !== undefined) sameText(db, query, 'e.level', filter.level);
  if (filter.state !== undefined) sameText(db, query, 'e.state', filter.state);
  if (filter.resourcetype !== undefined) sameText(db, query, 'e.resource_type', filter.resourcetype);
  if (filter.since !== undefined) void query.where('e.created', '>=', filter.since);
  if (filter.until !== undefined) void query.where('e.created', '<=', filter.until);
  if (filter.keyword) {
    const { keyword } = filter;
    void query.where(
      (either: Query) => void containsText(containsText(either, 'e.type', keyword).or, 'e.description', keyword),
    );
  }
  if (filter.startid !== undefined) {
    const { startid } = filter;
    void query.where((either: Query) => void either.where('e.uuid', startid).orWhere('e.start_id', startid));
  }
  return readPage(query, ['e.*', 'u.username', 'c.name as resource_name', ...OWNER_COLUMNS], 'e.id', page, 'desc');
}
