import { randomUUID } from 'node:crypto';
import { removeExpired } from '../../db/retention.js';
import { claimOperation, settleOperation } from '../../db/operations.js';
import { startSession } from '../../db/sessions.js';
import { nowPlus } from '../../db/knex.js';
import { onEachEngine } from './engines.js';
import { makeWorld, type World } from './world.js';

onEachEngine((engines) => {
  let world: World;
  const minutesAgo = (minutes: number) => nowPlus(world.db, -60 * minutes);
  const ids = async (table: string) => (await world.db(table).select<{ uuid: string }[]>('uuid')).map(({ uuid }) => uuid); // prettier-ignore
  beforeAll(async () => {
    world = await makeWorld(engines);
  });

  test('jobs go job.expire.minutes after their end, whatever they ended with; pending ones and operations stay', async () => {
    const { db } = world;
    const end = async (name: string, minutes: number) => {
      const queued = await world.queue(await world.addCluster(name));
      await claimOperation(db, queued.operationId, randomUUID());
      const nothing = { leftovers: [], failedLines: [], leftoverLines: [] };
      await settleOperation(db, queued.operationId, { end: 'failed', fault: 'Internal', reason: 'x', ...nothing });
      await db('async_job')
        .where({ uuid: queued.jobId })
        .update({ removed: minutesAgo(minutes) });
      return queued;
    };
    const old = await end('old', 61);
    const young = await end('young', 59);
    const pending = await world.queue(await world.addCluster('pending'));
    await db('async_job')
      .where({ uuid: pending.jobId })
      .update({ created: minutesAgo(9999) });
    expect(await removeExpired(db, 60)).toBe(1);
    expect((await ids('async_job')).sort()).toEqual([young.jobId, pending.jobId].sort());
    expect((await ids('operation')).sort()).toEqual([old.operationId, young.operationId, pending.operationId].sort());
    expect(await removeExpired(db, 60)).toBe(0);
  });

  test('a backlog longer than one statement goes as a whole', async () => {
    const row = (i: number) => ({
      uuid: `old-${i}`, job_cmd: 'x', account_id: 'a', user_id: 'u', job_status: 1, job_result_code: 0,
      created: minutesAgo(500), removed: minutesAgo(400),
    }); // prettier-ignore
    await world.db.batchInsert(
      'async_job',
      Array.from({ length: 450 }, (_, i) => row(i)),
      50,
    );
    const change = { kind: 'x', object_id: 'o', name: 'n', user_id: 'u', account_id: 'a', domain_id: 'd', created: minutesAgo(500) }; // prettier-ignore
    await world.db('network_change').insert({ ...change, job_id: 'old-449', ended: minutesAgo(400) });
    await world.db('network_change').insert({ ...change, job_id: 'another', ended: minutesAgo(400) });
    expect(await removeExpired(world.db, 60)).toBe(450);
    expect(await world.db('network_change').select('job_id')).toEqual([{ job_id: 'another' }]);
  });

  test('sessions go when they have ended', async () => {
    const { db } = world;
    await startSession(db, 'gone', -1);
    await startSession(db, 'here', 5);
    await db('session')
      .where({ user_id: 'gone' })
      .update({ expires: minutesAgo(1) });
    await removeExpired(db, 60);
    expect(await db('session').select('user_id')).toEqual([{ user_id: 'here' }]);
  });
});
