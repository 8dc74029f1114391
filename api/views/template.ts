import type { TemplateListRow } from '../../db/templates.js';
import { responseObject, type Fields } from '../command.js';
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
  status: ['string', 'the status of its download'],
  size: ['long', 'the size in bytes'],
  templatetype: ['string', 'its type: USER or SYSTEM'],
  arch: ['string', 'CPU architecture'],
  checksum: ['string', 'its checksum'],
  url: ['string', 'where it comes from; visible to root admins'],
  tags: ['list', 'the list of resource tags'],
  hasannotations: ['boolean', 'true if it has comments'],
} as const;

export const TEMPLATE = responseObject('template', {
  ...FIELDS,
  forcks: ['boolean', 'true if Kubernetes nodes may be made from it'],
});
export const ISO = responseObject('iso', { ...FIELDS, bootable: ['boolean', 'true if machines can boot from it'] });

export const templateView = (row: TemplateListRow, admin: boolean): Fields => ({
  id: row.uuid,
  name: row.name,
  displaytext: row.display_text,
  ispublic: row.public === 1,
  isready: row.state === 'Ready',
  isfeatured: row.public === 1,
  crossZones: row.data_center_id === null,
  isextractable: false,
  passwordenabled: false,
  sshkeyenabled: row.kind === 'TEMPLATE',
  isdynamicallyscalable: false,
  requireshvm: row.kind === 'TEMPLATE',
  directdownload: row.direct_download === 1,
  created: wireDate(row.created),
  format: row.format,
  hypervisor: row.hypervisor,
  ...ownerView(row),
  zoneid: row.data_center_id,
  zonename: row.zone_name,
  status: row.state === 'Ready' ? 'Download Complete' : row.state,
  size: Number(row.size_bytes),
  templatetype: 'USER',
  arch: row.arch,
  checksum: row.checksum,
  ...(admin && { url: row.url }),
  tags: [],
  hasannotations: false,
  ...(row.kind === 'ISO' ? { bootable: false } : { forcks: row.for_cks === 1 }),
});
