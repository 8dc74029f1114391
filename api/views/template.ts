import { listCopies, type CopyListRow, type TemplateListRow } from '../../db/templates.js';
import { fields, responseObject, type Context, type Fields } from '../command.js';
import { wireDate } from '../wire/dates.js';
import { OWNER_FIELDS, ownerView } from './owner.js';

const FIELDS = {
  id: ['string', 'the id'],
  name: ['string', 'the name'],
  displaytext: ['string', 'the display text'],
  ispublic: ['boolean', 'true if everyone may use it'],
  isready: ['boolean', 'true if it is ready to be deployed from'],
  isfeatured: ['boolean', 'true if it is featured'],
  crossZones: ['boolean', 'true if it is managed across all zones'],
  isextractable: ['boolean', 'true if it may be extracted'],
  passwordenabled: ['boolean', 'true if machines get a password'],
  sshkeyenabled: ['boolean', 'true if SSH keys are set by it'],
  isdynamicallyscalable: ['boolean', 'true if machines may be scaled while they run'],
  requireshvm: ['boolean', 'true if it requires hardware virtualization'],
  directdownload: ['boolean', 'true if hosts fetch it themselves'],
  created: ['date', 'the date it was created'],
  format: ['string', 'the format'],
  hypervisor: ['string', 'the hypervisor it runs on'],
  ...OWNER_FIELDS,
  zoneid: ['string', 'the ID of its zone'],
  zonename: ['string', 'the name of its zone'],
  status: ['string', 'how far its download is, or why it failed'],
  size: ['long', 'the size in bytes'],
  physicalsize: ['long', 'the size of the file in bytes'],
  templatetype: ['string', 'its type: USER or SYSTEM'],
  arch: ['string', 'CPU architecture'],
  checksum: ['string', 'its checksum'],
  url: ['string', 'where it comes from; visible to root admins'],
  details: ['map', 'additional key/value details'],
  downloaddetails: [
    'list',
    'the copies in the pools of hosts; visible to root admins',
    fields({
      datastore: ['string', 'name of the host whose pool has the copy'],
      datastoreId: ['string', 'id of the pool'],
      datastoreRole: ['string', 'Primary'],
      downloadPercent: ['string', 'how far it is'],
      downloadState: ['string', 'NOT_DOWNLOADED, DOWNLOAD_IN_PROGRESS, DOWNLOADED or DOWNLOAD_ERROR'],
      error: ['string', 'why it failed'],
    }),
  ],
  tags: ['list', 'the list of resource tags'],
  hasannotations: ['boolean', 'true if it has comments'],
} as const;

export const TEMPLATE = responseObject('template', {
  ...FIELDS,
  forcks: ['boolean', 'true if Kubernetes nodes may be made from it'],
});
export const ISO = responseObject('iso', { ...FIELDS, bootable: ['boolean', 'true if machines can boot from it'] });

const COPY_STATE: Record<CopyListRow['state'], string> = {
  NotDownloaded: 'NOT_DOWNLOADED',
  Downloading: 'DOWNLOAD_IN_PROGRESS',
  Ready: 'DOWNLOADED',
  Failed: 'DOWNLOAD_ERROR',
  Removing: 'NOT_DOWNLOADED',
};

const copyView = (copy: CopyListRow): Fields => ({
  datastore: copy.host_name,
  datastoreId: copy.pool_id,
  datastoreRole: 'Primary',
  downloadPercent: String(copy.percent),
  downloadState: COPY_STATE[copy.state],
  ...(copy.error !== null && { error: copy.error }),
});

/** What the original shows as `status`: `Download Complete`, `37% Downloaded`, or the reason of a failure. */
export function downloadStatus(
  state: string,
  { bytes, total, error }: { bytes: number | null; total: number | null; error: string | null },
  what: string,
): string {
  if (state === 'Ready') return 'Download Complete';
  if (state === 'NotUploaded') return 'Waiting for its upload';
  if (error !== null) return error;
  if (state !== 'Downloading') return 'Waiting for its download';
  const percent = bytes === null || !total ? 0 : Math.floor((100 * Number(bytes)) / Number(total));
  return percent >= 100 ? `Installing ${what}` : `${percent}% Downloaded`;
}

const templateView = (row: TemplateListRow, admin: boolean, copies: readonly CopyListRow[]): Fields => ({
  id: row.uuid,
  name: row.name,
  displaytext: row.display_text,
  ispublic: row.public === 1,
  isready: row.zone_state === 'Ready',
  isfeatured: row.featured === 1 && row.public === 1,
  crossZones: row.data_center_id === null,
  isextractable: row.extractable === 1,
  passwordenabled: row.password_enabled === 1,
  sshkeyenabled: row.kind === 'TEMPLATE',
  isdynamicallyscalable: false,
  requireshvm: row.kind === 'TEMPLATE' && row.requires_hvm === 1,
  directdownload: row.direct_download === 1,
  created: wireDate(row.created),
  format: row.format,
  hypervisor: row.hypervisor,
  ...ownerView(row),
  zoneid: row.zone_id,
  zonename: row.zone_name,
  status: downloadStatus(
    row.zone_state,
    { bytes: row.zone_bytes, total: row.zone_total, error: row.zone_error },
    row.kind === 'ISO' ? 'ISO' : 'Template',
  ),
  size: Number(row.size_bytes),
  physicalsize: Number(row.size_bytes),
  templatetype: 'USER',
  arch: row.arch,
  checksum: row.checksum,
  ...(admin && { url: row.url }),
  ...(row.details !== null && { details: JSON.parse(row.details) as Fields }),
  ...(admin && {
    downloaddetails: copies
      .filter((copy) => copy.image_id === row.uuid && (row.zone_id === null || copy.zone_id === row.zone_id))
      .map(copyView),
  }),
  tags: [],
  hasannotations: false,
  ...(row.kind === 'ISO' ? { bootable: row.bootable === 1 } : { forcks: row.for_cks === 1 }),
});

/** A page of templates or ISOs with their copies, read in one more query. */
export async function templateViews(
  ctx: Pick<Context, 'db' | 'caller'>,
  rows: readonly TemplateListRow[],
): Promise<Fields[]> {
  const admin = ctx.caller.role === 'A';
  const copies = admin ? await listCopies(ctx.db, [...new Set(rows.map(({ uuid }) => uuid))]) : [];
  return rows.map((row) => templateView(row, admin, copies));
}
