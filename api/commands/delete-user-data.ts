import { command, EVERYONE } from '../command.js';
import { OWNER, p } from '../params.js';
import { remove } from '../user-data.js';

export const deleteUserData = command({
  name: 'deleteUserData',
  description: 'Deletes user data that nothing uses',
  since: '4.18',
  roles: EVERYONE,
  params: { id: p.uuid('userData', { description: 'the ID of the user data', required: true }), ...OWNER },
  response: 'success',
  handler: (ctx, asked) => remove(ctx, false, asked),
});
