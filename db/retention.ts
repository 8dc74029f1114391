import { now, nowPlus, type Db } from './knex.js';

/** Rows removed in one statement, so that a long backlog locks nothing for long; SQLite takes so many values at most. */
const AT_ONCE = 200;

/** Removes finished jobs past their time, with the changes that they were for, and sessions that ended. Returns how many jobs went. */
export async function removeExpired(db: Db, jobMinutes: number): Promise<number> {
  await db('session').where('expires', '<', now(db)).delete();
  let removed = 0;
  for (;;) {
    const old = await db('async_job')
      .where('job_status', '>', 0)
      .where('removed', '<', nowPlus(db, -60 * jobMinutes))
      .orderBy('id')
      .limit(AT_ONCE)
      .select<{ uuid: string }[]>('uuid');
    const ids = old.map(({ uuid }) => uuid);
    for (const changes of ['network_change', 'machine_change'])
      await db(changes).whereIn('job_id', ids).whereNotNull('ended').delete();
    await db('async_job').whereIn('uuid', ids).delete();
    removed += ids.length;
    if (ids.length < AT_ONCE) return removed;
  }
}
