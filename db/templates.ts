import { randomUUID } from 'node:crypto';
import { now, type Db } from './knex.js';
import { keepZones } from './images.js';
import { containsText, readPage, sameText, whereGiven, type Listed, type Page, type Query } from './matching.js';
import { joinOwner, OWNER_COLUMNS, whereOwned, type OwnerColumns, type Owners } from './owners.js';
import type { PoolImageRow, TemplateRow } from './rows.js';

/** A template or ISO as one zone has it; without a zone when it is shown once for all. */
export interface TemplateListRow extends TemplateRow, OwnerColumns {
  zone_id: string | null;
  zone_name: string | null;
  zone_state: string;
  zone_bytes: number | null;
  zone_total: number | null;
  zone_error: string | null;
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
  bootable?: boolean;
  ready?: boolean;
  public?: boolean;
  featured?: boolean;
  /** Shows each once, and not once per zone. */
  showunique?: boolean;
  /** Whose own ones, and whether public ones come with them. */
  owners: Owners;
  withPublic: boolean;
}

/** In a zone that came after the image there is no row yet: the scan adds it. */
const STATE = `COALESCE(r.state, CASE WHEN t.data_center_id IS NULL AND z.uuid IS NOT NULL THEN 'NotDownloaded' ELSE t.state END)`;

export async function listTemplates(db: Db, filter: TemplateFilter, page: Page): Promise<Listed<TemplateListRow>> {
  const zones = db('vm_template as t').leftJoin('data_center as z', function () {
    this.on('z.uuid', 't.data_center_id');
    if (!filter.showunique) this.orOnNull('t.data_center_id');
  });
  const refs = zones.leftJoin('template_zone_ref as r', function () {
    this.on('r.template_id', 't.uuid').andOn('r.zone_id', 'z.uuid');
  });
  const query = joinOwner(refs, 't.account_id')
    .where('t.kind', filter.kind)
    .whereNull('t.removed')
    .whereNull('z.removed');
  // Who may see all sees the public ones with them.
  if (filter.withPublic && filter.owners.kind !== 'all')
    void query.where(
      (either: Query) => void either.where('t.public', 1).orWhere((own: Query) => void whereOwned(own, filter.owners)),
    );
  else whereOwned(query, filter.owners);
  const flag = (value: boolean | undefined) => (value === undefined ? undefined : Number(value));
  whereGiven(query, {
    't.uuid': filter.id,
    't.arch': filter.arch,
    't.for_cks': flag(filter.forcks),
    't.bootable': flag(filter.bootable),
    't.public': flag(filter.public),
    't.featured': flag(filter.featured),
  });
  if (filter.ids?.length) void query.whereIn('t.uuid', [...filter.ids]);
  if (filter.ready !== undefined) void query.whereRaw(`${STATE} ${filter.ready ? '=' : '<>'} 'Ready'`);
  if (filter.zoneid !== undefined && filter.zoneid !== '-1') {
    const { zoneid } = filter;
    if (filter.showunique)
      void query.where((either: Query) => void either.whereNull('t.data_center_id').orWhere('z.uuid', zoneid));
    else void query.where('z.uuid', zoneid);
  }
  if (filter.hypervisor !== undefined) {
    const { hypervisor } = filter;
    void query.where(
      (either: Query) => void sameText(db, either.whereNull('t.hypervisor').or, 't.hypervisor', hypervisor),
    );
  }
  if (filter.name !== undefined) sameText(db, query, 't.name', filter.name);
  if (filter.keyword) containsText(query, 't.name', filter.keyword);
  const zone = [
    'z.uuid as zone_id',
    'z.name as zone_name',
    'r.bytes as zone_bytes',
    'r.total as zone_total',
    'r.error as zone_error',
  ];
  const columns = ['t.*', db.raw(`${STATE} as zone_state`), ...zone, ...OWNER_COLUMNS] as string[];
  return readPage(query, columns, ['t.id', 'z.id'], page);
}

export interface CopyListRow extends PoolImageRow {
  host_name: string;
  zone_id: string;
}

/** The copies of some images in the pools of hosts. */
export const listCopies = (db: Db, imageIds: readonly string[]): Promise<CopyListRow[]> =>
  Promise.resolve(
    db('pool_image as p')
      .join('host as h', 'h.uuid', 'p.host_id')
      .whereIn('p.image_id', [...imageIds])
      .orderBy('p.id')
      .select('p.*', 'h.name as host_name', 'h.data_center_id as zone_id') as PromiseLike<CopyListRow[]>,
  );

export type NewImage = Pick<
  TemplateRow,
  | 'name'
  | 'display_text'
  | 'kind'
  | 'url'
  | 'checksum'
  | 'format'
  | 'arch'
  | 'hypervisor'
  | 'account_id'
  | 'data_center_id'
> &
  Partial<TemplateRow>;

/** Writes the image with its rows in the zones that it is for: one, or all (`data_center_id` null). */
export async function addImage(trx: Db, image: NewImage): Promise<TemplateRow> {
  const uuid = image.uuid ?? randomUUID();
  await trx('vm_template').insert({
    size_bytes: 0, state: 'NotDownloaded', for_cks: 0, public: 0, featured: 0, direct_download: 0, bootable: 0, extractable: 0, password_enabled: 0, requires_hvm: 1, details: null,
    ...image, uuid, created: now(trx),
  }); // prettier-ignore
  const row = (await trx<TemplateRow>('vm_template').where({ uuid }).first())!;
  await keepZones(trx, row);
  return row;
}

/** Names of what keeps a template or ISO in use: machines, clusters, versions. */
export async function usersOfImage(db: Db, { uuid }: TemplateRow): Promise<string[]> {
  const machines = await db('vm_instance').where({ template_id: uuid }).whereNull('removed').orderBy('id').limit(20).select<{ name: string }[]>('name'); // prettier-ignore
  const clusters = await db('kubernetes_cluster')
    .where((either) => {
      for (const column of [
        'template_id',
        'control_node_template_id',
        'worker_node_template_id',
        'etcd_node_template_id',
      ])
        void either.orWhere(column, uuid);
    })
    .whereNull('removed')
    .orderBy('id')
    .limit(20)
    .select<{ name: string }[]>('name');
  const versions = await db('kubernetes_supported_version').where({ iso_id: uuid }).whereNull('removed').select<{ name: string }[]>('name'); // prettier-ignore
  return [
    ...machines.map(({ name }) => `machine ${name}`),
    ...clusters.map(({ name }) => `cluster ${name}`),
    ...versions.map(({ name }) => `Kubernetes version ${name}`),
  ];
}

/** Lists no longer show the image; a run takes its copies away. False when it was removed already. */
export const removeImage = async (trx: Db, uuid: string): Promise<boolean> =>
  (await trx('vm_template')
    .where({ uuid })
    .whereNull('removed')
    .update({ removed: now(trx) })) === 1;
