import { bare, command, EVERYONE, responseObject } from '../command.js';
import { badParameter } from '../wire/errors.js';

export const logout = command({
  name: 'logout',
  description: 'Logs out the user',
  roles: EVERYONE,
  open: true,
  params: {},
  response: responseObject('logoutresponse', { description: ['string', 'Response description'] }),
  async handler(ctx) {
    if (!(await ctx.session.end())) throw badParameter('There is no session to end');
    return bare({ description: 'success' });
  },
});
