import type { StoragePoolListRow } from '../../db/storage-pools.js';
import { responseObject, type Fields } from '../command.js';
import { wireDate } from '../wire/dates.js';

export const STORAGE_POOL = responseObject('storagepool', {
  id: ['string', 'the ID of the storage pool'],
  name: ['string', 'the name of the storage pool, which is its name on the hosts'],
  type: ['string', 'dir, nfs, logical or rbd'],
  path: ['string', 'the URL of the storage pool'],
  scope: ['string', 'ZONE, or HOST: of one host'],
  state: ['string', 'the state of the storage pool'],
  zoneid: ['string', 'the Zone ID of the storage pool'],
  zonename: ['string', 'the Zone name of the storage pool'],
  hypervisor: ['string', 'the hypervisor type of the storage pool'],
  hostid: ['string', 'the host of a pool of scope HOST; an extension'],
  hostname: ['string', 'the name of that host; an extension'],
  tags: ['string', 'the tags for the storage pool'],
  created: ['date', 'the date and time the storage pool was created'],
});

export const storagePoolView = (row: StoragePoolListRow): Fields => ({
  id: row.uuid,
  name: row.name,
  type: row.pool_type,
  path: row.url,
  scope: row.host_id === null ? 'ZONE' : 'HOST',
  state: 'Up',
  zoneid: row.data_center_id,
  zonename: row.zone_name,
  hypervisor: row.zone_hypervisor,
  hostid: row.host_id,
  hostname: row.host_name,
  tags: row.tags,
  created: wireDate(row.created),
});
