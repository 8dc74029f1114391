import { command, EVERYONE } from '../command.js';
import { OWNER, p } from '../params.js';
import { POST_LIMIT, register } from '../user-data.js';
import { USER_DATA } from '../views/user-data.js';

export const registerUserData = command({
  name: 'registerUserData',
  description: 'Registers user data for machines',
  since: '4.18',
  roles: EVERYONE,
  params: {
    name: p.string({ description: 'Name of the user data', required: true, length: 191 }),
    userdata: p.string({
      description: 'content, base64; up to 4 KB by GET, 1 MB by POST',
      required: true,
      length: 2 * POST_LIMIT,
    }),
    params: p.string({ description: 'comma-separated names of the variables in it', length: 2048 }),
    ...OWNER,
  },
  response: USER_DATA,
  handler: (ctx, asked) => register(ctx, asked, { name: 'userdata', text: asked.userdata, forCks: false }),
});
