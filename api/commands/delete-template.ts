import { command, EVERYONE, job } from '../command.js';
import { deleteImage } from '../images.js';
import { p } from '../params.js';

export const deleteTemplate = command({
  name: 'deleteTemplate',
  description: 'Deletes a template from the system; refused while machines or clusters use it',
  roles: EVERYONE,
  isAsync: true,
  params: {
    id: p.uuid('template', { description: 'the ID of the template', required: true }),
    zoneid: p.uuid('zone', { description: 'the ID of the zone of the template' }),
    forced: p.boolean({
      description: 'taken and not used: disks on hosts may rest on the copy of their template',
      since: '4.17',
    }),
  },
  response: 'success',
  handler: async (ctx, { id, zoneid }) => job(await deleteImage(ctx, id, zoneid)),
});
