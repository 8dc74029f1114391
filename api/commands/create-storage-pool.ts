import { addStoragePool, listStoragePools } from '../../db/storage-pools.js';
import { readZone } from '../../db/zones.js';
import { fault } from '../../workflows/model/fault.js';
import { badTags, badToken } from '../../workflows/model/labels.js';
import { readPoolUrl } from '../../workflows/model/storage-url.js';
import { ADMIN, command, object } from '../command.js';
import { operatorOf } from '../operator.js';
import { p } from '../params.js';
import { STORAGE_POOL, storagePoolView } from '../views/storage-pool.js';

/** The pool itself is made on the hosts by their operator, in libvirt, under the same name. */
export const createStoragePool = command({
  name: 'createStoragePool',
  description: 'Makes a storage pool that hosts have in libvirt the one for volumes and images',
  roles: ADMIN,
  params: {
    name: p.string({ description: 'the name of the storage pool in libvirt', required: true }),
    url: p.string({
      description: 'what the pool is: dir:///PATH, nfs://SERVER/PATH, logical:///VOLUME-GROUP or rbd://MONITOR/POOL',
      required: true,
      length: 1024,
    }),
    zoneid: p.uuid('zone', { description: 'the Zone ID of the storage pool', required: true }),
    scope: p.string({ description: 'ZONE (default): all hosts of the zone; HOST: the host of hostid' }),
    hostid: p.uuid('host', { description: 'the host of a pool of scope HOST; an extension' }),
    tags: p.string({ description: 'the tags for the storage pool, separated by commas' }),
  },
  response: STORAGE_POOL,
  async handler(ctx, asked) {
    const zone = await readZone(ctx.db, asked.zoneid);
    if (!zone) throw fault('BadParameter', `Unable to find zone ${asked.zoneid}: it was removed`);
    const url = readPoolUrl(asked.url);
    const problem =
      badToken('name', asked.name) ?? badScope(asked.scope, asked.hostid) ?? badTags(asked.tags ?? '') ?? ('problem' in url ? url.problem : undefined); // prettier-ignore
    if (problem !== undefined || 'problem' in url) throw fault('BadParameter', problem ?? '');
    const added = await addStoragePool(
      ctx.db,
      {
        name: asked.name,
        poolType: url.kind,
        url: asked.url,
        zoneId: zone.uuid,
        hostId: asked.hostid,
        tags: asked.tags?.trim() ? asked.tags : null,
      },
      operatorOf(ctx),
    );
    if ('problem' in added) throw fault('BadParameter', added.problem);
    const { rows } = await listStoragePools(ctx.db, { id: added.uuid }, { offset: 0 });
    return object(storagePoolView(rows[0]!));
  },
});

function badScope(scope: string | undefined, hostId: string | undefined): string | undefined {
  const wanted = scope?.toUpperCase() ?? (hostId === undefined ? 'ZONE' : 'HOST');
  if (wanted !== 'ZONE' && wanted !== 'HOST')
    return `scope must be ZONE or HOST, found "${(scope ?? '').slice(0, 40)}"`;
  if (wanted === 'HOST' && hostId === undefined) return 'scope HOST needs hostid';
  return wanted === 'ZONE' && hostId !== undefined ? 'hostid needs scope HOST' : undefined;
}
