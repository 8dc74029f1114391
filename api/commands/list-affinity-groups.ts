import { listAffinityGroups as readGroups } from '../../db/affinity.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { AFFINITY_GROUP, affinityGroupViews } from '../views/affinity-group.js';

export const listAffinityGroups = command({
  name: 'listAffinityGroups',
  description: 'Lists affinity groups',
  roles: EVERYONE,
  params: {
    id: p.uuid('affinityGroup', { description: 'the ID of the affinity group' }),
    name: p.string({ description: 'the name of the affinity group' }),
    type: p.string({ description: 'the type of the affinity groups' }),
    virtualmachineid: p.uuid('machine', { description: 'the groups of this machine', access: true }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: AFFINITY_GROUP,
  isList: true,
  async handler(ctx, params) {
    const owners = await ownersOf(ctx, params, params.id !== undefined || params.virtualmachineid !== undefined);
    const filter = { ...params, machineId: params.virtualmachineid, owners };
    const { count, rows } = await readGroups(ctx.db, filter, await pageOf(ctx, params));
    return list(count, await affinityGroupViews(ctx.db, rows));
  },
});
