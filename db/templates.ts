import type { Db } from './knex.js';
import { containsText, readPage, sameText, whereGiven, type Listed, type Page, type Query } from './matching.js';
import { joinOwner, OWNER_COLUMNS, whereOwned, type OwnerColumns, type Owners } from './owners.js';
import type { TemplateRow } from './rows.js';

export interface TemplateListRow extends TemplateRow, OwnerColumns {
  zone_name: string | null;
}
export interface TemplateFilter {
  kind: TemplateRow['kind'];
  id?: string;
  ids?: readonly string[];
  name?: string;
  keyword?: string;
  zoneid?: string;
  hypervisor?: string;
  arch?: string;
  forcks?: boolean;
  ready?: boolean;
  public?: boolean;
  /** Whose own ones, and whether public ones come with them. */
  owners: Owners;
  withPublic: boolean;
}

export async function listTemplates(db: Db, filter: TemplateFilter, page: Page): Promise<Listed<TemplateListRow>> {
  const query = joinOwner(
    db('vm_template as t').leftJoin('data_center as z', 'z.uuid', 't.data_center_id'),
    't.account_id',
  )
    .where('t.kind', filter.kind)
    .whereNull('t.removed');
  if (filter.withPublic)
    void query.where(
      (either: Query) => void either.where('t.public', 1).orWhere((own: Query) => void whereOwned(own, filter.owners)),
    );
  else whereOwned(query, filter.owners);
  const flag = (value: boolean | undefined) => (value === undefined ? undefined : Number(value));
  whereGiven(query, {
    't.uuid': filter.id,
    't.arch': filter.arch,
    't.for_cks': flag(filter.forcks),
    't.public': flag(filter.public),
  });
  if (filter.ids?.length) void query.whereIn('t.uuid', [...filter.ids]);
  if (filter.ready !== undefined)
    void (filter.ready ? query.where('t.state', 'Ready') : query.whereNot('t.state', 'Ready'));
  if (filter.zoneid !== undefined && filter.zoneid !== '-1') {
    void query.where(
      (either: Query) => void either.whereNull('t.data_center_id').orWhere('t.data_center_id', filter.zoneid),
    );
  }
  if (filter.hypervisor !== undefined) {
    const { hypervisor } = filter;
    void query.where(
      (either: Query) => void sameText(db, either.whereNull('t.hypervisor').or, 't.hypervisor', hypervisor),
    );
  }
  if (filter.name !== undefined) sameText(db, query, 't.name', filter.name);
  if (filter.keyword) containsText(query, 't.name', filter.keyword);
  return readPage(query, ['t.*', 'z.name as zone_name', ...OWNER_COLUMNS], 't.id', page);
}
