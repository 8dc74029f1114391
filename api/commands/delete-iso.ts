import { command, EVERYONE, job } from '../command.js';
import { deleteImage } from '../images.js';
import { p } from '../params.js';

export const deleteIso = command({
  name: 'deleteIso',
  description: 'Deletes an ISO file; refused while a Kubernetes version uses it',
  roles: EVERYONE,
  isAsync: true,
  params: {
    id: p.uuid('iso', { description: 'the ID of the ISO file', required: true }),
    zoneid: p.uuid('zone', { description: 'the ID of the zone of the ISO file' }),
  },
  response: 'success',
  handler: async (ctx, { id, zoneid }) => job(await deleteImage(ctx, id, zoneid)),
});
