import { releaseDedicatedHost as release } from '../../db/dedicated.js';
import { finishedJob } from '../../db/finished-job.js';
import { fault } from '../../workflows/model/fault.js';
import { ADMIN, command, job } from '../command.js';
import { operatorOf } from '../operator.js';
import { p } from '../params.js';

export const releaseDedicatedHost = command({
  name: 'releaseDedicatedHost',
  description: 'Releases the dedication of a host; machines that are on it stay',
  roles: ADMIN,
  isAsync: true,
  params: { hostid: p.uuid('host', { description: 'the ID of the host', required: true }) },
  response: 'success',
  async handler(ctx, { hostid }) {
    const by = operatorOf(ctx);
    const jobId = await release(ctx.db, hostid, by, (trx) =>
      finishedJob(trx, {
        command: 'releaseDedicatedHost', group: 'admin.host', accountId: by.accountId, userId: by.userId, result: { success: true },
      }),
    ); // prettier-ignore
    if (jobId === undefined) throw fault('BadParameter', `Host ${hostid} is not dedicated`);
    return job(jobId);
  },
});
