import { readJob } from '../../db/jobs.js';
import { bare, command, EVERYONE } from '../command.js';
import { assertAccess } from '../ownership.js';
import { p } from '../params.js';
import { JOB, jobView } from '../views/job.js';
import { badParameter } from '../wire/errors.js';

export const queryAsyncJobResult = command({
  name: 'queryAsyncJobResult',
  description: 'Retrieves the current status of asynchronous job',
  roles: EVERYONE,
  params: { jobid: p.uuid('job', { description: 'the ID of the asynchronous job', required: true }) },
  response: JOB,
  async handler(ctx, { jobid }) {
    const row = await readJob(ctx.db, jobid);
    if (!row) throw badParameter(`Unable to find a job by id ${jobid}`, 4350);
    await assertAccess(ctx, row.account_id);
    return bare(await jobView(ctx, row));
  },
});
