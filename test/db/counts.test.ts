import { randomUUID } from 'node:crypto';
import { claimOperation, settleOperation } from '../../db/operations.js';
import { recordPlan } from '../../db/plan-rows.js';
import { readCounts } from '../../metrics/counts.js';
import { workerMetrics } from '../../metrics/worker.js';
import { onEachEngine } from './engines.js';
import { makeWorld, type World } from './world.js';

onEachEngine((engines) => {
  let world: World;
  let failed: string;
  beforeAll(async () => {
    world = await makeWorld(engines);
    await world.addCluster('one');
    const two = await world.addCluster('two');
    await world.queue(await world.addCluster('three'));
    failed = (await world.queue(two)).operationId;
    await claimOperation(world.db, failed, randomUUID());
    await recordPlan(world.db, failed, [
      { line: 1, depth: 0, title: 'boot', kind: 'machine.start', skip: null, after: [] },
    ] as never);
    const nothing = { leftovers: [], failedLines: [], leftoverLines: [] };
    await settleOperation(world.db, failed, { end: 'failed', fault: 'HostUnreachable', reason: 'x', ...nothing });
    const [first] = await world.db('host').orderBy('id').select<{ uuid: string }[]>('uuid');
    await world
      .db('host')
      .where({ uuid: first!.uuid })
      .update({ status: 'Down', last_pinged: '2020-01-01 00:00:00.000' });
  });

  test('rows are counted by what an operator asks for', async () => {
    const counts = await readCounts(world.db);
    const zone = world.zone.name;
    expect(counts.clusters).toEqual(expect.arrayContaining([{ zone, state: 'Created', n: 2 }]));
    expect(counts.clusters.reduce((sum, { n }) => sum + n, 0)).toBe(3);
    expect(counts.operations).toEqual(
      expect.arrayContaining([
        { kind: 'create', state: 'queued', fault: null, n: 1 },
        { kind: 'create', state: 'failed', fault: 'HostUnreachable', n: 1 },
      ]),
    );
    expect(counts.open).toEqual([{ kind: 'create', n: 1 }]);
    expect(counts.jobs).toBe(1);
    expect(counts.hosts).toContainEqual({ zone, status: 'Down', n: 1 });
    expect(counts.silence).toHaveLength(1);
    expect(counts.silence[0]!.seconds).toBeGreaterThan(86_400 * 365 * 5);
  });

  test('a worker tells them, and how long steps took by their kind, in the text that Prometheus reads', async () => {
    const metrics = workerMetrics(world.db, () => 3);
    await metrics.stepEnded({ operationId: failed, line: 1 }, 7, true);
    await metrics.stepEnded({ operationId: failed, line: 1 }, 2, false);
    await metrics.stepEnded({ operationId: 'gone', line: 1 }, 2, true);
    metrics.activityBegun('cks', 0.2);
    metrics.scanEnded('sim-1', 4);
    const text = await metrics.registry.metrics();
    for (const line of [
      'cks_operations{kind="create",state="failed",fault="HostUnreachable"} 1',
      'cks_libvirt_starts_total 3',
      'cks_step_seconds_sum{kind="machine.start",outcome="done"} 7',
      'cks_step_seconds_count{kind="machine.start",outcome="failed"} 1',
      'cks_step_seconds_count{kind="unknown",outcome="done"} 1',
      'cks_activity_wait_seconds_bucket{le="0.5",queue="cks"} 1',
      'cks_scan_seconds_sum{zone="sim-1"} 4',
    ])
      expect(text.split('\n')).toContain(line);
    expect(text).toMatch(/^cks_scan_end_timestamp_seconds\{zone="sim-1"\} \d{10}/m);
    expect(text).toMatch(/^process_resident_memory_bytes \d/m);
  });
});
