import { addAffinityGroup } from '../../db/affinity.js';
import { finishedJob } from '../../db/finished-job.js';
import { AFFINITY_TYPES, DEDICATION_NAME } from '../../workflows/model/affinity.js';
import { fault } from '../../workflows/model/fault.js';
import { badLabel } from '../../workflows/model/labels.js';
import { command, EVERYONE, job } from '../command.js';
import { newOwner } from '../ownership.js';
import { operatorOf } from '../operator.js';
import { OWNER, p } from '../params.js';
import { AFFINITY_GROUP } from '../views/affinity-group.js';

export const createAffinityGroup = command({
  name: 'createAffinityGroup',
  description: 'Creates an affinity group',
  roles: EVERYONE,
  isAsync: true,
  params: {
    name: p.string({ description: 'name of the affinity group', required: true }),
    type: p.string({ description: `type of the affinity group: ${Object.keys(AFFINITY_TYPES).join(', ')}`, required: true }),
    description: p.string({ description: 'description of the affinity group', length: 4096 }),
    ...OWNER,
  },
  response: AFFINITY_GROUP,
  async handler(ctx, asked) {
    const problem = badLabel('name', asked.name) ?? badType(asked.type);
    if (problem !== undefined) throw fault('BadParameter', problem);
    if (asked.name.toLowerCase().startsWith(DEDICATION_NAME.toLowerCase()))
      throw fault('BadParameter', `name must not begin with ${DEDICATION_NAME}: such groups stand for dedicated hosts`);
    const owner = await newOwner(ctx, asked);
    const by = operatorOf(ctx);
    const group = { name: asked.name, type: asked.type.toLowerCase(), description: asked.description };
    const made = await addAffinityGroup(ctx.db, { ...owner, userId: by.userId }, group, async (trx, id) => ({
      id,
      jobId: await finishedJob(trx, {
        command: 'createAffinityGroup', group: 'user.affinitygroup', accountId: by.accountId, userId: by.userId, result: { object: 'affinitygroup', id },
      }),
    })); // prettier-ignore
    if (!made)
      throw fault('BadParameter', `Unable to create affinity group, a group with name ${asked.name} already exists.`);
    return job(made.jobId, made.id);
  },
}); // prettier-ignore

const badType = (type: string): string | undefined =>
  Object.hasOwn(AFFINITY_TYPES, type.toLowerCase())
    ? undefined
    : `Unable to create affinity group, no Affinity Group Types configured for type ${type.slice(0, 60)}: expected one of ${Object.keys(AFFINITY_TYPES).join(', ')}`;
