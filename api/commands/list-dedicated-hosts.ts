import { listDedicatedHosts as readDedicated } from '../../db/dedicated.js';
import { findAccount } from '../../db/owners.js';
import { ADMIN, command, list } from '../command.js';
import { pageOf } from '../paging.js';
import { p, PAGING } from '../params.js';
import { DEDICATED_HOST, dedicatedHostView } from '../views/dedicated-host.js';

export const listDedicatedHosts = command({
  name: 'listDedicatedHosts',
  description: 'Lists dedicated hosts',
  roles: ADMIN,
  params: {
    hostid: p.uuid('host', { description: 'the ID of the host' }),
    domainid: p.uuid('domain', { description: 'the domain that hosts are dedicated to' }),
    account: p.string({ description: "the account that hosts are dedicated to; of domainid, or of the caller's domain" }),
    affinitygroupid: p.uuid('affinityGroup', { description: 'hosts of the dedication that this affinity group stands for' }),
    ...PAGING,
  },
  response: DEDICATED_HOST,
  isList: true,
  async handler(ctx, params) {
    const { account: name, domainid, ...rest } = params;
    const account = name === undefined ? undefined : await findAccount(ctx.db, name, domainid ?? ctx.caller.domain.uuid);
    if (name !== undefined && !account) return list(0, []);
    const filter = { ...rest, ...(domainid !== undefined && { domainid }), ...(account && { accountId: account.uuid }) };
    const { count, rows } = await readDedicated(ctx.db, filter, await pageOf(ctx, params));
    return list(count, rows.map(dedicatedHostView)); // prettier-ignore
  },
}); // prettier-ignore
