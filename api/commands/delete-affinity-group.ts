import { deleteAffinityGroup as removeGroup, listAffinityGroups } from '../../db/affinity.js';
import { finishedJob } from '../../db/finished-job.js';
import { DEDICATION_TYPE } from '../../workflows/model/affinity.js';
import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE, job, type Context } from '../command.js';
import { newOwner } from '../ownership.js';
import { operatorOf } from '../operator.js';
import { OWNER, p } from '../params.js';

const params = {
  id: p.uuid('affinityGroup', { description: 'the ID of the affinity group; mutually exclusive with name', access: true }),
  name: p.string({ description: 'the name of the affinity group; mutually exclusive with id' }),
  ...OWNER,
}; // prettier-ignore

export const deleteAffinityGroup = command({
  name: 'deleteAffinityGroup',
  description: 'Deletes an affinity group that no cluster uses',
  roles: EVERYONE,
  isAsync: true,
  params,
  response: 'success',
  async handler(ctx, asked) {
    const group = await find(ctx, asked);
    if (group.type === DEDICATION_TYPE)
      throw fault('BadParameter', `Affinity group ${group.name} stands for dedicated hosts: releaseDedicatedHost removes it`); // prettier-ignore
    const by = operatorOf(ctx);
    const gone = await removeGroup(ctx.db, group, by.userId, (trx) =>
      finishedJob(trx, {
        command: 'deleteAffinityGroup', group: 'user.affinitygroup', accountId: by.accountId, userId: by.userId, result: { success: true },
      }),
    ); // prettier-ignore
    if (!gone) throw fault('BadParameter', `Unable to find affinity group ${group.name}: it was deleted just now`);
    if ('usedBy' in gone)
      throw fault('BadParameter', `Affinity group ${group.name} is used by Kubernetes clusters: ${gone.usedBy.join(', ')}. Take it out with updateKubernetesClusterAffinityGroups first`); // prettier-ignore
    return job(gone.done);
  },
});

async function find(ctx: Context, asked: { id?: string; name?: string; account?: string; domainid?: string; projectid?: string }) {
  if ((asked.id === undefined) === (asked.name === undefined))
    throw fault('BadParameter', 'Either the affinity group id or its name must be given, not both');
  const owners =
    asked.id === undefined
      ? { kind: 'account' as const, accountId: (await newOwner(ctx, asked)).accountId }
      : { kind: 'all' as const };
  const filter = { ...(asked.id !== undefined && { id: asked.id }), ...(asked.name !== undefined && { name: asked.name }), owners }; // prettier-ignore
  const [row] = (await listAffinityGroups(ctx.db, filter, { offset: 0 })).rows;
  if (!row) throw fault('BadParameter', `Unable to find affinity group ${asked.id ?? asked.name}`);
  return row;
} // prettier-ignore
