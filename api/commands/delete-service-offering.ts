import { removeServiceOffering } from '../../db/change-offering.js';
import { fault } from '../../workflows/model/fault.js';
import { ADMIN, command, success } from '../command.js';
import { operatorOf } from '../operator.js';
import { p } from '../params.js';

export const deleteServiceOffering = command({
  name: 'deleteServiceOffering',
  description: 'Deletes a service offering; machines that have it keep it',
  roles: ADMIN,
  params: {
    id: p.uuid('serviceOffering', { description: 'the ID of the service offering', required: true }),
  },
  response: 'success',
  async handler(ctx, { id }) {
    const problem = await removeServiceOffering(ctx.db, id, operatorOf(ctx));
    if (problem !== undefined) throw fault('BadParameter', problem);
    return success();
  },
});
