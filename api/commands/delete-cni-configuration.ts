import { command, EVERYONE } from '../command.js';
import { OWNER, p } from '../params.js';
import { remove } from '../user-data.js';

export const deleteCniConfiguration = command({
  name: 'deleteCniConfiguration',
  description: 'Deletes a CNI configuration that nothing uses',
  since: '4.21.0',
  roles: EVERYONE,
  params: {
    id: p.uuid('cniConfiguration', { description: 'the ID of the CNI configuration', required: true }),
    ...OWNER,
  },
  response: 'success',
  handler: (ctx, asked) => remove(ctx, true, asked),
});
