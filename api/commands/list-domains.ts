import { listDomains as readDomains } from '../../db/accounts.js';
import { command, list } from '../command.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { DOMAIN, domainView } from '../views/account.js';

export const listDomains = command({
  name: 'listDomains',
  description: 'Lists domains and provides detailed information for listed domains',
  roles: ['A', 'R', 'D'],
  params: {
    id: p.uuid('domain', { description: 'List domain by domain ID' }),
    name: p.string({ description: 'List domain by domain name' }),
    level: p.integer({ description: 'List domains by domain level' }),
    listall: OWNERSHIP.listall,
    ...PAGING,
  },
  response: DOMAIN,
  isList: true,
  async handler(ctx, params) {
    const { role, domain } = ctx.caller;
    const owners = role === 'A' ? ({ kind: 'all' } as const) : ({ kind: 'subtree', path: domain.path } as const);
    const { count, rows } = await readDomains(ctx.db, { ...params, owners }, await pageOf(ctx, params));
    return list(count, rows.map(domainView)); // prettier-ignore
  },
});
