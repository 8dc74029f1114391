import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { Operator } from './hosts.js';
import { now, transact, type Db } from './knex.js';
import { containsText, readPage, sameText, whereGiven, type Listed, type Page } from './matching.js';
import type { StoragePoolRow } from './rows.js';
import { writeEvent } from './write-event.js';

export interface StoragePoolListRow extends StoragePoolRow {
  zone_name: string;
  zone_hypervisor: string;
  host_name: string | null;
}

export async function listStoragePools(
  db: Db,
  filter: { id?: string; name?: string; keyword?: string; zoneid?: string; hostid?: string },
  page: Page,
): Promise<Listed<StoragePoolListRow>> {
  const query = db('storage_pool as s')
    .join('data_center as z', 'z.uuid', 's.data_center_id')
    .leftJoin('host as h', 'h.uuid', 's.host_id')
    .whereNull('s.removed');
  whereGiven(query, { 's.uuid': filter.id, 's.data_center_id': filter.zoneid, 's.host_id': filter.hostid });
  if (filter.name !== undefined) sameText(db, query, 's.name', filter.name);
  if (filter.keyword) containsText(query, 's.name', filter.keyword);
  return readPage(
    query,
    ['s.*', 'z.name as zone_name', 'z.hypervisor as zone_hypervisor', 'h.name as host_name'],
    's.id',
    page,
  );
}

export interface NewStoragePool {
  name: string;
  poolType: string;
  url: string;
  zoneId: string;
  /** One host; else all of the zone. */
  hostId: string | undefined;
  tags: string | null;
}

/**
 * Makes a pool the one that a host, or each host of the zone, keeps volumes and images in, and returns its id; or answers why not:
 * a machine's volumes do not follow its host to another pool.
 */
export async function addStoragePool(
  db: Knex,
  pool: NewStoragePool,
  by: Operator,
): Promise<{ uuid: string } | { problem: string }> {
  return transact(db, async (trx) => {
    const hosts = await trx('host')
      .where({ data_center_id: pool.zoneId })
      .whereNull('removed')
      .where((query) => (pool.hostId === undefined ? query : query.where({ uuid: pool.hostId })))
      .orderBy('id')
      .forUpdate()
      .select<{ uuid: string; name: string; pool: string }[]>('uuid', 'name', 'pool');
    if (pool.hostId !== undefined && hosts.length === 0) return { problem: `Host ${pool.hostId} is not in the zone` };
    const same = trx('storage_pool').where({ data_center_id: pool.zoneId, host_id: pool.hostId ?? null }).whereNull('removed'); // prettier-ignore
    if (await sameText(trx, same, 'name', pool.name).first('id'))
      return { problem: `There is a storage pool named ${pool.name} already` };
    const changing = hosts.filter((host) => host.pool !== pool.name);
    const full = (await trx('vm_instance')
      .whereIn(
        'host_id',
        changing.map(({ uuid }) => uuid),
      ) // prettier-ignore
      .whereNull('removed')
      .distinct()
      .pluck('host_id')) as string[];
    const stuck = changing.filter(({ uuid }) => full.includes(uuid));
    if (stuck.length > 0)
      return { problem: `Storage pool ${pool.name} cannot become the pool of hosts that have machines in another one: ${stuck.map((host) => `${host.name} (${host.pool})`).join(', ')}` }; // prettier-ignore
    await trx('host')
      .whereIn(
        'uuid',
        changing.map(({ uuid }) => uuid),
      ) // prettier-ignore
      .update({ pool: pool.name });
    const uuid = randomUUID();
    await trx('storage_pool').insert({
      uuid, name: pool.name, pool_type: pool.poolType, url: pool.url, data_center_id: pool.zoneId, host_id: pool.hostId ?? null, tags: pool.tags, created: now(trx),
    }); // prettier-ignore
    await writeEvent(trx, {
      type: 'STORAGE.POOL.CREATE', state: 'Completed', description: `Successfully completed creating storage pool ${pool.name}`, user_id: by.userId,
      account_id: by.accountId, domain_id: by.domainId, resource_type: 'StoragePool', resource_id: uuid,
    }); // prettier-ignore
    return { uuid };
  });
}
