import { command, EVERYONE } from '../command.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { listed } from '../user-data.js';
import { CNI_CONFIG } from '../views/user-data.js';

export const listCniConfiguration = command({
  name: 'listCniConfiguration',
  description: 'Lists the CNI configurations of the account',
  since: '4.21.0',
  roles: EVERYONE,
  params: {
    id: p.uuid('cniConfiguration', { description: 'the ID of the CNI configuration' }),
    name: p.string({ description: 'name of the CNI configuration, exactly' }),
    ...OWNERSHIP,
    ...PAGING,
  },
  response: CNI_CONFIG,
  isList: true,
  handler: async (ctx, params) => listed(ctx, true, params, await pageOf(ctx, params)),
});
