import { ScheduleAlreadyRunning, type Client } from '@temporalio/client';
import { scheduleKeeper } from '../../activities/schedules.js';
import { writeSetting } from '../../db/configuration.js';
import { Harness } from '../api/harness.js';

interface Made {
  spec: { intervals: { every: number }[] };
  action: { args: unknown[] };
}

/** Temporal's schedules in memory, and what it was asked for. */
class FakeSchedules {
  readonly made = new Map<string, Made>();
  asked: string[] = [];
  readonly client = { schedule: this } as unknown as Client;

  create({ scheduleId, spec, action }: Made & { scheduleId: string }): Promise<void> {
    this.asked.push('create');
    if (this.made.has(scheduleId)) return Promise.reject(new ScheduleAlreadyRunning('there', scheduleId));
    this.made.set(scheduleId, { spec, action });
    return Promise.resolve();
  }

  async *list(): AsyncGenerator<object> {
    this.asked.push('list');
    await Promise.resolve();
    for (const [scheduleId, { spec }] of this.made) yield { scheduleId, spec };
  }

  getHandle(id: string) {
    return {
      describe: () => Promise.resolve((this.asked.push('describe'), this.made.get(id)!)),
      update: (change: (found: Made) => Made) =>
        Promise.resolve(void (this.asked.push('update'), this.made.set(id, change(this.made.get(id)!)))),
    };
  }
}

let h: Harness;
let temporal: FakeSchedules;
let keep: () => Promise<void>;
let zone: string;
beforeEach(async () => {
  h = await Harness.start();
  zone = `cks-scan-zone-${(await h.db('data_center').first<{ uuid: string }>('uuid')).uuid}`;
  temporal = new FakeSchedules();
  keep = scheduleKeeper(temporal.client, h.db);
  await keep();
});
afterEach(() => h.stop());
const asks = async () => {
  temporal.asked = [];
  await keep();
  return temporal.asked;
};

test('while all schedules are there, Temporal is asked once', async () => {
  expect([...temporal.made.keys()].sort()).toEqual(['cks-retention', 'cks-scan-operations', zone]);
  expect(await asks()).toEqual(['list']);
});

test('one that is gone is made again at once', async () => {
  temporal.made.delete('cks-scan-operations');
  expect(await asks()).toEqual(['list', 'create']);
  expect(temporal.made.has('cks-scan-operations')).toBe(true);
});

test('one has the period that the settings say, whoever changed it', async () => {
  const every = () => temporal.made.get(zone)!.spec.intervals[0]!.every;
  await writeSetting(h.db, 'cks.scan.seconds', '40');
  await keep();
  expect(every()).toBe(40_000);
  temporal.made.get(zone)!.spec = { intervals: [{ every: 7000 }] };
  await keep();
  expect(every()).toBe(40_000);
});

test('arguments follow the settings at once, and what another release left of them within five minutes', async () => {
  await writeSetting(h.db, 'cks.zone.queues', 'true');
  await keep();
  const wanted = temporal.made.get(zone)!.action.args;
  expect(wanted).toHaveLength(2);
  temporal.made.get(zone)!.action = { args: ['another'] };
  for (let look = 0; look < 30; look++) await keep();
  expect(temporal.made.get(zone)!.action.args).toEqual(wanted);
});
