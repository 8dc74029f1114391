import { deleteHost as removeHost } from '../../db/hosts.js';
import { fault } from '../../workflows/model/fault.js';
import { command, success } from '../command.js';
import { operatorOf } from '../operator.js';
import { p } from '../params.js';

export const deleteHost = command({
  name: 'deleteHost',
  description: 'Deletes a host that has no machines',
  roles: ['A', 'R'],
  params: {
    id: p.uuid('host', { description: 'the host ID', required: true }),
    forced: p.boolean({
      description:
        'true: nodes on a host that is Down that were replaced or whose cluster was deleted meanwhile are forgotten; other machines are not',
    }),
  },
  response: 'success',
  async handler(ctx, { id, forced }) {
    const problem = await removeHost(ctx.db, id, operatorOf(ctx), forced);
    if (problem !== undefined) throw fault('BadParameter', problem);
    return success();
  },
});
