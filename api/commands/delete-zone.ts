import { deleteZone as removeZone } from '../../db/delete-zone.js';
import { fault } from '../../workflows/model/fault.js';
import { ADMIN, command, success } from '../command.js';
import { operatorOf } from '../operator.js';
import { p } from '../params.js';

export const deleteZone = command({
  name: 'deleteZone',
  description: 'Deletes a Zone that nothing is in',
  roles: ADMIN,
  params: { id: p.uuid('zone', { description: 'the ID of the Zone', required: true }) },
  response: 'success',
  async handler(ctx, { id }) {
    const problem = await removeZone(ctx.db, id, operatorOf(ctx));
    if (problem !== undefined) throw fault('BadParameter', problem);
    return success();
  },
});
