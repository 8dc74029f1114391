import { listStoragePools as readPools } from '../../db/storage-pools.js';
import { ADMIN, command, list } from '../command.js';
import { pageOf } from '../paging.js';
import { p, PAGING } from '../params.js';
import { STORAGE_POOL, storagePoolView } from '../views/storage-pool.js';

export const listStoragePools = command({
  name: 'listStoragePools',
  description: 'Lists storage pools',
  roles: ADMIN,
  params: {
    id: p.uuid('storagePool', { description: 'the ID of the storage pool' }),
    name: p.string({ description: 'the name of the storage pool' }),
    zoneid: p.uuid('zone', { description: 'the Zone ID of the storage pool' }),
    hostid: p.uuid('host', { description: 'the host of a pool of scope HOST; an extension' }),
    ...PAGING,
  },
  response: STORAGE_POOL,
  isList: true,
  async handler(ctx, params) {
    const { count, rows } = await readPools(ctx.db, params, await pageOf(ctx, params));
    return list(count, rows.map(storagePoolView)); // prettier-ignore
  },
});
