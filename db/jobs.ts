import type { Db } from './knex.js';
import { containsText, readPage, type Listed, type Page, type Query } from './matching.js';
import { joinOwner, OWNER_COLUMNS, whereOwned, type OwnerColumns, type Owners } from './owners.js';
import type { JobRow } from './rows.js';

export interface JobListRow extends JobRow, OwnerColumns {}

const jobs = (db: Db): Query => joinOwner(db('async_job as j'), 'j.account_id');

export const readJob = (db: Db, uuid: string): Promise<JobListRow | undefined> =>
  Promise.resolve(
    jobs(db)
      .where('j.uuid', uuid)
      .first(['j.*', ...OWNER_COLUMNS]) as PromiseLike<JobListRow | undefined>,
  );

/** Jobs that have not finished: a job's end stamps `removed`, and lists skip such rows, as in the original. */
export async function listJobs(
  db: Db,
  filter: { keyword?: string; startdate?: string; owners: Owners },
  page: Page,
): Promise<Listed<JobListRow>> {
  const query = whereOwned(jobs(db).whereNull('j.removed'), filter.owners);
  if (filter.keyword) containsText(query, 'j.job_cmd', filter.keyword);
  if (filter.startdate !== undefined) void query.where('j.created', '>=', filter.startdate);
  return readPage(query, ['j.*', ...OWNER_COLUMNS], 'j.id', page);
}
