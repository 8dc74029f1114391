import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { isDeepStrictEqual } from 'node:util';
import { TASK_QUEUE } from '../workflows/model/operation.js';
import { readSettings } from '../db/configuration.js';
import { queueOfZone, type ZoneQueue } from '../workflows/model/zone-queue.js';
import { textOf } from '../workflows/model/fault.js';

const LOOK_MS = 10_000;
/** In looks: five minutes. */
const WHOLE_LOOKS = 30;

interface Scan {
  id: string;
  workflowType: string;
  args: unknown[];
  seconds: number;
  limit: `${number}m`;
  summary: string;
}

const OPERATIONS: Scan = {
  id: 'cks-scan-operations',
  workflowType: 'scanOperations',
  args: [],
  seconds: 5,
  limit: '2m',
  summary: 'look at all operations and jobs',
};
const RETENTION: Scan = {
  id: 'cks-retention',
  workflowType: 'applyRetention',
  args: [],
  seconds: 300,
  limit: '2m',
  summary: 'remove what is past its time',
};
const ofZone = (zoneId: string, name: string, seconds: number, queue: ZoneQueue | undefined): Scan => ({
  id: `cks-scan-zone-${zoneId}`,
  workflowType: 'scanZone',
  args: queue ? [zoneId, queue] : [zoneId],
  seconds,
  limit: '10m',
  summary: `look at zone ${name}: its hosts, clusters and gateway`,
});

const specOf = ({ seconds }: Scan) => ({ intervals: [{ every: seconds * 1000 }] });

/** Leaves the schedule there with its period; one that another release or setting made is brought to this one. */
async function ensureSchedule(client: Client, scan: Scan): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: scan.id,
      spec: specOf(scan),
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10s' },
      action: {
        type: 'startWorkflow',
        workflowType: scan.workflowType,
        args: scan.args,
        taskQueue: TASK_QUEUE,
        workflowId: scan.id,
        workflowTaskTimeout: '5s',
        workflowRunTimeout: scan.limit,
        staticSummary: scan.summary,
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const handle = client.schedule.getHandle(scan.id);
    const { spec, action } = await handle.describe();
    const same = spec.intervals?.[0]?.every === scan.seconds * 1000 && isDeepStrictEqual(action.args, scan.args);
    if (!same)
      await handle.update((found) => ({ ...found, spec: specOf(scan), action: { ...found.action, args: scan.args } }));
  }
}

async function wanted(db: Knex): Promise<Scan[]> {
  const settings = await readSettings(db);
  const zones = await db('data_center').whereNull('removed').select<{ uuid: string; name: string }[]>('uuid', 'name');
  const ofZones = zones.map(({ uuid, name }) =>
    ofZone(uuid, name, settings['cks.scan.seconds'], queueOfZone(settings, uuid)),
  );
  return [OPERATIONS, RETENTION, ...ofZones];
}

/** Ids of the schedules that there are to be. */
export const scheduleIds = async (db: Knex): Promise<string[]> => (await wanted(db)).map(({ id }) => id);

/** Leaves every schedule there. */
export async function ensureSchedules(client: Client, db: Knex): Promise<void> {
  for (const scan of await wanted(db)) await ensureSchedule(client, scan);
}

/**
 * Each call leaves every schedule there. Most calls ask Temporal once, which schedules it has and with which periods; whole they are compared at
 * first, where others are wanted than the last time, and every `WHOLE_LOOKS` calls: another release may have left other arguments.
 */
export function scheduleKeeper(client: Client, db: Knex): () => Promise<void> {
  let kept: Scan[] = [];
  let looks = 0;
  return async () => {
    const scans = await wanted(db);
    const isWhole = looks++ % WHOLE_LOOKS === 0 || !isDeepStrictEqual(scans, kept);
    const seconds = isWhole ? new Map<string, number>() : await listPeriods(client);
    for (const scan of scans) if (seconds.get(scan.id) !== scan.seconds) await ensureSchedule(client, scan);
    kept = scans;
  };
}

async function listPeriods(client: Client): Promise<ReadonlyMap<string, number>> {
  const seconds = new Map<string, number>();
  for await (const { scheduleId, spec } of client.schedule.list())
    seconds.set(scheduleId, (spec?.intervals?.[0]?.every ?? 0) / 1000);
  return seconds;
}

/** Sees to it that the schedules exist, again and again: they vanish with Temporal's store. Returns how to stop. */
export function keepSchedules(client: Client, db: Knex, log: Logger): () => void {
  let failing = false;
  const keep = scheduleKeeper(client, db);
  const look = () =>
    void keep().then(
      () => (failing = false),
      (error: unknown) => {
        if (!failing) log.warn({ error: textOf(error) }, 'cannot ensure the schedules; will go on trying');
        failing = true;
      },
    );
  look();
  const timer = setInterval(look, LOOK_MS);
  return () => clearInterval(timer);
}
