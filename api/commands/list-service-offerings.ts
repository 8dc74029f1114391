import { listServiceOfferings as readOfferings } from '../../db/offerings.js';
import { command, EVERYONE, list } from '../command.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { SERVICE_OFFERING, serviceOfferingView } from '../views/offering.js';

export const listServiceOfferings = command({
  name: 'listServiceOfferings',
  description: 'Lists all available service offerings',
  roles: EVERYONE,
  params: {
    id: p.uuid('serviceOffering', { description: 'ID of the service offering' }),
    name: p.string({ description: 'name of the service offering' }),
    zoneid: p.uuid('zone', { description: 'id of zone the service offering is available in; all are in every zone' }),
    issystem: p.boolean({ description: 'is this a system vm offering' }),
    virtualmachineid: p.uuid('machine', { description: 'show the offerings that this machine could change to' }),
    cpunumber: p.integer({ description: 'the CPU number that listed offerings must support', since: '4.15' }),
    memory: p.integer({ description: 'the RAM memory that listed offering must support', since: '4.15' }),
    state: p.string({
      description: 'filter by state of the service offering: Active, Inactive or All; default Active',
      since: '4.19',
    }),
    templateid: p.uuid('template', { description: 'the template the offerings are for', since: '4.20' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: SERVICE_OFFERING,
  isList: true,
  async handler(ctx, params) {
    if (params.issystem) return list(0, []);
    const { count, rows } = await readOfferings(
      ctx.db,
      { ...params, machineId: params.virtualmachineid },
      await pageOf(ctx, params),
    );
    return list(count, rows.map(serviceOfferingView)); // prettier-ignore
  },
});
