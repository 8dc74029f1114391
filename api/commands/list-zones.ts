import { listZones as readZones } from '../../db/zones.js';
import { command, EVERYONE, list } from '../command.js';
import { pageOf } from '../paging.js';
import { p, PAGING } from '../params.js';
import { ZONE, zoneView } from '../views/zone.js';

export const listZones = command({
  name: 'listZones',
  description: 'Lists zones',
  roles: EVERYONE,
  params: {
    id: p.uuid('zone', { description: 'the ID of the zone' }),
    ids: p.uuids('zone', { description: 'the IDs of the zones, mutually exclusive with id', since: '4.19.0' }),
    name: p.string({ description: 'the name of the zone' }),
    networktype: p.string({ description: 'the network type of the zone that the machine belongs to' }),
    available: p.boolean({ description: 'true if you want to retrieve all available Zones' }),
    domainid: p.uuid('domain', { description: 'the ID of the domain associated with the zone' }),
    showcapacities: p.boolean({ description: 'flag to display the capacity of the zones' }),
    ...PAGING,
  },
  response: ZONE,
  isList: true,
  async handler(ctx, params) {
    const admin = ctx.caller.role === 'A';
    const { count, rows } = await readZones(
      ctx.db,
      { ...params, enabledOnly: !admin || params.available === true },
      await pageOf(ctx, params),
    );
    return list(count, rows.map((row) => zoneView(row, admin))); // prettier-ignore
  },
});
