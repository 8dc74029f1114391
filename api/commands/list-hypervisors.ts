import { listHypervisors as readHypervisors } from '../../db/zones.js';
import { command, EVERYONE, list } from '../command.js';
import { p } from '../params.js';
import { HYPERVISOR } from '../views/zone.js';

export const listHypervisors = command({
  name: 'listHypervisors',
  description: 'List hypervisors',
  roles: EVERYONE,
  params: { zoneid: p.uuid('zone', { description: 'the zone id for listing hypervisors' }) },
  response: HYPERVISOR,
  isList: true,
  async handler(ctx, { zoneid }) {
    const names = await readHypervisors(ctx.db, zoneid);
    return list(names.length, names.map((name) => ({ name }))); // prettier-ignore
  },
});
