import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE, list } from '../command.js';
import { p } from '../params.js';
import { API, apiView } from '../views/api.js';

export const listApis = command({
  name: 'listApis',
  description: 'lists all available apis on the server',
  roles: EVERYONE,
  // An unknown or forbidden name is 530 with its text for every role.
  wraps: true,
  params: { name: p.string({ description: 'API name' }) },
  response: API,
  isList: true,
  async handler(ctx, { name }) {
    const allowed = ctx.registry.allowed(ctx.caller).filter((each) => name === undefined || each.name === name);
    if (name !== undefined && allowed.length === 0)
      throw fault('Refused', `The API [${name}] does not exist or is not available to the caller.`);
    return list(allowed.length, allowed.map((each) => apiView(each, ctx.registry, ctx.caller.role))); // prettier-ignore
  },
});
