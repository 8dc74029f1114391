import { listJobs } from '../../db/jobs.js';
import { command, EVERYONE, list } from '../command.js';
import { ownersOf } from '../ownership.js';
import { pageOf } from '../paging.js';
import { OWNERSHIP, p, PAGING } from '../params.js';
import { JOB, jobView } from '../views/job.js';
import { storedTime } from '../wire/dates.js';

const { listall, account, domainid, isrecursive } = OWNERSHIP;

export const listAsyncJobs = command({
  name: 'listAsyncJobs',
  description: 'Lists all pending asynchronous jobs for the account',
  roles: EVERYONE,
  params: {
    startdate: p.date({ description: 'the start date of the async job' }),
    listall,
    account,
    domainid,
    isrecursive,
    ...PAGING,
  },
  response: JOB,
  isList: true,
  async handler(ctx, params) {
    const filter = {
      keyword: params.keyword,
      startdate: params.startdate && storedTime(params.startdate),
      owners: await ownersOf(ctx, params),
    };
    const { count, rows } = await listJobs(ctx.db, filter, await pageOf(ctx, params));
    // Only unfinished jobs are listed, so no result is rendered: still one query for the page.
    return list(count, await Promise.all(rows.map((row) => jobView(ctx, row))));
  },
});
