import { dedicateHost as dedicate } from '../../db/dedicated.js';
import { finishedJob } from '../../db/finished-job.js';
import { findAccount } from '../../db/owners.js';
import { fault } from '../../workflows/model/fault.js';
import { ADMIN, command, job } from '../command.js';
import { operatorOf } from '../operator.js';
import { p } from '../params.js';
import { DEDICATED_HOST, dedicatedHostView } from '../views/dedicated-host.js';

export const dedicateHost = command({
  name: 'dedicateHost',
  description: 'Dedicates a host to a domain or an account',
  roles: ADMIN,
  isAsync: true,
  params: {
    hostid: p.uuid('host', { description: 'the ID of the host', required: true }),
    domainid: p.uuid('domain', { description: 'the domain, with those below it', required: true }),
    account: p.string({ description: 'the account of the domain that alone uses the host' }),
  },
  response: DEDICATED_HOST,
  async handler(ctx, { hostid, domainid, account: name }) {
    const domain = await ctx
      .db('domain')
      .where({ uuid: domainid })
      .whereNull('removed')
      .first<{ uuid: string; name: string; path: string } | undefined>('uuid', 'name', 'path');
    if (!domain) throw fault('BadParameter', `Unable to find the domain ${domainid}: it was removed`);
    const account = name === undefined ? undefined : await findAccount(ctx.db, name, domainid);
    if (name !== undefined && !account)
      throw fault('BadParameter', `Unable to find account ${name} in domain ${domain.name}`);
    const by = operatorOf(ctx);
    const whom = { domain, account: account && { uuid: account.uuid, name: account.account_name }, by };
    const dedicated = await dedicate(ctx.db, hostid, whom, (trx, row) =>
      finishedJob(trx, {
        command: 'dedicateHost', group: 'admin.host', accountId: by.accountId, userId: by.userId,
        result: { count: 1, dedicatedhost: [dedicatedHostView(row)] },
      }),
    ); // prettier-ignore
    if ('problem' in dedicated) throw fault('BadParameter', dedicated.problem);
    return job(dedicated.done);
  },
});
