import { randomUUID } from 'node:crypto';
import { moveCluster, readCluster, readDetails, writeDetail } from '../../db/clusters.js';
import { assertHolds, claimOperation, outcomeOfRun, readOperation, settleOperation } from '../../db/operations.js';
import { recordPlan } from '../../db/plan-rows.js';
import { usualSeconds } from '../../db/operations-list.js';
import type { ClusterRow, JobRow, OperationRow, StepRow } from '../../db/rows.js';
import type { Claim, End, Outcome } from '../../workflows/model/operation.js';
import { CLUSTER_STATES, mayMove, type ClusterState, type OperationKind } from '../../workflows/model/states.js';
import { Secret, writeSecret } from '../../db/secret.js';
import { onEachEngine } from './engines.js';
import { makeWorld, refusal, reserveAll, type World } from './world.js';

type Failed = { failed: string };

onEachEngine((engines) => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld(engines);
  });

  const reread = async (cluster: ClusterRow) => (await readCluster(world.db, cluster.uuid))!;
  const jobOf = (uuid: string) => world.db<JobRow>('async_job').where({ uuid }).first() as Promise<JobRow>;
  const operation = async (uuid: string) => (await readOperation(world.db, uuid))!;
  const claim = async (uuid: string, run: string = randomUUID()) =>
    (await claimOperation(world.db, uuid, run)) as Claim;
  const outcome = (end: End, more: Partial<Outcome> = {}): Outcome => ({
    end,
    leftovers: [],
    failedLines: [],
    leftoverLines: [],
    ...more,
  });
  const events = (cluster: ClusterRow) =>
    world
      .db('event')
      .where({ resource_id: cluster.uuid })
      .orderBy('id')
      .select<{ state: string; level: string }[]>('state', 'level');

  describe('moveCluster', () => {
    test('makes exactly the moves of the table', async () => {
      const cluster = await world.addCluster('moves');
      for (const from of CLUSTER_STATES) {
        for (const to of CLUSTER_STATES) {
          await world
            .db('kubernetes_cluster')
            .where({ uuid: cluster.uuid })
            .update({ state: from, generation: 7, removed: null });
          const move = moveCluster(world.db, { ...cluster, state: from, generation: 7 }, to, null);
          if (mayMove(from, to)) expect(await move).toBe(true);
          else await expect(move).rejects.toThrow(`cluster moves may not go from ${from} to ${to}`);
          const { state, generation } = await reread(cluster);
          expect([state, generation]).toEqual(mayMove(from, to) ? [to, 8] : [from, 7]);
        }
      }
    });

    test('refuses a writer who looked before another change', async () => {
      const cluster = await world.addCluster('late');
      expect(await moveCluster(world.db, cluster, 'Starting', null)).toBe(true);
      expect(await moveCluster(world.db, cluster, 'Starting', 'too late')).toBe(false);
      expect((await reread(cluster)).reason).toBeNull();
    });

    test('stamps a destroyed cluster as removed, with a reason that fits its column', async () => {
      const cluster = await world.addCluster('gone');
      await moveCluster(world.db, { ...cluster, state: 'Destroying' }, 'Destroyed', 'x'.repeat(5000));
      const { removed, reason } = await reread(cluster);
      expect(removed).toMatch(/^\d{4}-/);
      expect(reason).toHaveLength(2000);
    });
  });

  test('a detail is written over, not beside', async () => {
    const cluster = await world.addCluster('details');
    await writeDetail(world.db, cluster.uuid, 'a', '1');
    await writeDetail(world.db, cluster.uuid, 'a', '2');
    expect((await readDetails(world.db, cluster.uuid)).get('a')).toBe('2');
  });

  describe('queueOperation', () => {
    test('of 100 callers in four processes one gets the cluster, the others a failed job that says why', async () => {
      const cluster = await world.addCluster('contended');
      const task = { do: 'queue' as const, url: world.url, at: 0, clusterId: cluster.uuid, times: 25 };
      const answers = (
        await engines.together<({ heldBy?: object; operationId: string; jobId: string } & Partial<Failed>)[]>([
          task,
          task,
          task,
          task,
        ])
      ).flat();
      expect(answers.filter(({ failed }) => failed !== undefined)).toEqual([]);
      expect(answers.filter(({ heldBy }) => heldBy === undefined)).toHaveLength(1);
      expect(new Set(answers.map(({ operationId }) => operationId)).size).toBe(1);
      expect(await world.db<OperationRow>('operation').where({ cluster_id: cluster.uuid })).toHaveLength(1);
      const jobs = await world.db<JobRow>('async_job').whereIn('uuid', answers.map(({ jobId }) => jobId)); // prettier-ignore
      expect(jobs.filter(({ job_status }) => job_status === 2)).toHaveLength(99);
      const refused = JSON.parse(jobs.find(({ job_status }) => job_status === 2)!.job_result!) as {
        errorcode: number;
        errortext: string;
      };
      expect(refused.errorcode).toBe(530);
      expect(refused.errortext).toContain('Kubernetes cluster contended is busy: operation "create"');
    });

    test('of two operations that hold one cluster the database refuses the second', async () => {
      const cluster = await world.addCluster('unique');
      const { operationId } = await world.queue(cluster);
      const { id: _, ...row } = await operation(operationId);
      expect(await refusal(world.db('operation').insert({ ...row, uuid: randomUUID() }))).toMatch(/UNIQUE|Duplicate/);
    });

    test('of a delete waits behind the operation that holds the cluster, and tells it to end', async () => {
      const cluster = await world.addCluster('taken');
      const create = await world.queue(cluster);
      const remove = await world.queue(cluster, { kind: 'delete', takeOver: true, command: 'deleteKubernetesCluster' });
      expect((await operation(create.operationId)).stop_requested).toBe('supersede');
      expect((await operation(remove.operationId)).active_cluster_id).toBeNull();
      expect((await jobOf(remove.jobId)).job_status).toBe(0);
    });
  });

  describe('claimOperation', () => {
    test('gives the operation to one of 40 runs in two processes', async () => {
      const cluster = await world.addCluster('claimed');
      const { operationId } = await world.queue(cluster);
      const task = { do: 'claim' as const, url: world.url, at: 0, operationId, times: 20 };
      const claims = (await engines.together<(Claim | null | Failed)[]>([task, task])).flat();
      expect(claims.filter((each) => each !== null)).toHaveLength(1);
      expect(claims.find((each) => each !== null)).toMatchObject({
        clusterId: cluster.uuid,
        kind: 'create',
        mode: 'run',
        attempt: 1,
        stop: null,
      });
      expect(await reread(cluster)).toMatchObject({ state: 'Starting', generation: 1 });
      expect((await events(cluster)).map(({ state }) => state)).toEqual(['Scheduled', 'Started']);
    });

    test('gives it to the same run again, since the answer may have been lost', async () => {
      const { operationId } = await world.queue(await world.addCluster('again'));
      const first = await claim(operationId, 'run-1');
      expect(await claim(operationId, 'run-1')).toEqual({ ...first, elapsedSeconds: expect.any(Number) });
      expect(await claim(operationId, 'run-2')).toBeNull();
    });

    test('gives it to a run that goes on in a new history, and then to the earlier run no more', async () => {
      const { operationId } = await world.queue(await world.addCluster('long'));
      await claim(operationId, 'run-1');
      expect(await claimOperation(world.db, operationId, 'run-3', 'run-2')).toBeNull();
      expect(await claimOperation(world.db, operationId, 'run-2', 'run-1')).toMatchObject({ kind: 'create' });
      expect(await claim(operationId, 'run-1')).toBeNull();
      await assertHolds(world.db, operationId, 'run-2');
      await expect(assertHolds(world.db, operationId, 'run-1')).rejects.toMatchObject({ type: 'RunLost' });
    });

    test('a run that does not have it settles it as reset, whatever it thinks', async () => {
      const { operationId } = await world.queue(await world.addCluster('reset'));
      await claim(operationId, 'run-1');
      const mine = outcome('cancelled');
      expect(await outcomeOfRun(world.db, operationId, 'run-1', mine)).toBe(mine);
      expect(await outcomeOfRun(world.db, operationId, 'run-2', mine)).toMatchObject({
        end: 'failed',
        fault: 'RunLost',
      });
    });

    test('gives nothing once the operation has ended', async () => {
      const { operationId } = await world.queue(await world.addCluster('ended'));
      await claim(operationId, 'run-1');
      await settleOperation(world.db, operationId, outcome('failed'));
      expect(await claim(operationId, 'run-1')).toBeNull();
      await expect(assertHolds(world.db, operationId, 'run-1')).rejects.toThrow('this worker was cut off');
    });

    test('lets a take-over wait until the holder has ended', async () => {
      const cluster = await world.addCluster('waiting');
      const create = await world.queue(cluster);
      await claim(create.operationId);
      const remove = await world.queue(cluster, { kind: 'delete', takeOver: true, command: 'deleteKubernetesCluster' });
      expect(await claim(remove.operationId)).toBe('wait');
      await settleOperation(world.db, create.operationId, outcome('superseded', { fault: 'Superseded' }));
      expect(await claim(remove.operationId, 'run-2')).toMatchObject({ kind: 'delete' });
      expect((await reread(cluster)).state).toBe('Destroying');
      await assertHolds(world.db, remove.operationId, 'run-2');
    });

    test('keeps the cluster for a take-over that has not seen yet that the holder has ended', async () => {
      const cluster = await world.addCluster('kept');
      const create = await world.queue(cluster);
      await claim(create.operationId);
      const remove = await world.queue(cluster, { kind: 'delete', takeOver: true, command: 'deleteKubernetesCluster' });
      await settleOperation(world.db, create.operationId, outcome('superseded', { fault: 'Superseded' }));
      const again = await world.queue(await reread(cluster), { attemptOf: await operation(create.operationId) });
      expect(again).toMatchObject({ refused: true, heldBy: { uuid: remove.operationId } });
      expect((await jobOf(again.jobId)).job_result).toContain('busy: operation \\"delete\\"');
      expect(await claim(remove.operationId, 'run-2')).toMatchObject({ kind: 'delete' });
    });

    test('ends a second delete well when the first has removed the cluster', async () => {
      const cluster = await world.addCluster('twice');
      const create = await world.queue(cluster);
      await claim(create.operationId);
      const more = { kind: 'delete' as const, takeOver: true, command: 'deleteKubernetesCluster' };
      const [first, second] = [await world.queue(cluster, more), await world.queue(cluster, more)];
      await settleOperation(world.db, create.operationId, outcome('superseded', { fault: 'Superseded' }));
      await claim(first.operationId);
      expect(await claim(second.operationId)).toBe('wait');
      await settleOperation(world.db, first.operationId, outcome('succeeded'));
      expect(await claim(second.operationId)).toBeNull();
      for (const { jobId } of [first, second])
        expect(JSON.parse((await jobOf(jobId)).job_result!)).toEqual({ success: true });
      expect((await reread(cluster)).state).toBe('Destroyed');
    });

    test('names the steps that earlier attempts began, and nothing else', async () => {
      const cluster = await world.addCluster('begun');
      const create = await world.queue(cluster);
      await claim(create.operationId);
      const line = (number: number, title: string) => ({
        line: number,
        parent: null,
        title,
        kind: 'k',
        skip: null,
        after: [],
      });
      await recordPlan(world.db, create.operationId, [line(0, 'began'), line(1, 'did not')]);
      await world
        .db('operation_step')
        .where({ operation_id: create.operationId, line: 0 })
        .update({ began: '2026-01-01 00:00:00.000' });
      await settleOperation(world.db, create.operationId, outcome('failed'));
      const again = await world.queue(await reread(cluster), {
        attemptOf: await operation(create.operationId),
        mode: 'undo',
      });
      expect(await claim(again.operationId)).toMatchObject({ begun: ['began'], attempt: 2, mode: 'undo' });
      expect(await operation(again.operationId)).toMatchObject({
        root_id: create.operationId,
        state: 'undoing',
        from_state: 'Created',
      });
    });
  });

  describe('settleOperation', () => {
    const cases: [string, Partial<Outcome> & { end: End }, ClusterState, 1 | 2][] = [
      ['a success', { end: 'succeeded' }, 'Running', 1],
      ['a failure', { end: 'failed', fault: 'NodeFailed', reason: 'worker-1: why' }, 'Error', 2],
      [
        'a failure whose step names another rest',
        { end: 'failed', fault: 'NodeFailed', reason: 'why', rest: 'Alert' },
        'Alert',
        2,
      ],
      ['a cancel', { end: 'cancelled', fault: 'Cancelled', reason: 'Cancelled' }, 'Error', 2],
      ['a take-over', { end: 'superseded', fault: 'Superseded', reason: 'a delete took over' }, 'Error', 2],
    ];
    test.each(cases)('of %s leaves cluster, operation, job and event at rest', async (_, end, state, status) => {
      const cluster = await world.addCluster('settled');
      const { operationId, jobId } = await world.queue(cluster);
      await claim(operationId);
      await settleOperation(world.db, operationId, outcome(end.end, end));
      expect(await reread(cluster)).toMatchObject({ state, reason: end.reason ?? null });
      expect(await operation(operationId)).toMatchObject({
        active_cluster_id: null,
        fault: end.fault ?? null,
        ended: expect.stringMatching(/^\d/),
      });
      const job = await jobOf(jobId);
      expect([job.job_status, job.job_result_code]).toEqual([status, status === 1 ? 0 : 530]);
      expect(JSON.parse(job.job_result!)).toEqual(
        status === 1 ? { object: 'kubernetescluster', id: cluster.uuid } : { errorcode: 530, errortext: end.reason },
      );
      expect((await events(cluster)).at(-1)).toEqual({ state: 'Completed', level: status === 1 ? 'INFO' : 'ERROR' });
    });

    test('happens once, whoever else says something later or at the same time', async () => {
      const cluster = await world.addCluster('once');
      const { operationId } = await world.queue(cluster);
      await claim(operationId);
      await Promise.all(Array.from({ length: 8 }, () => settleOperation(world.db, operationId, outcome('succeeded'))));
      await settleOperation(world.db, operationId, outcome('failed', { reason: 'too late' }));
      expect(await reread(cluster)).toMatchObject({ state: 'Running', generation: 2, reason: null });
      expect((await events(cluster)).map(({ state }) => state)).toEqual(['Scheduled', 'Started', 'Completed']);
    });

    test('a cluster of two versions says so until an upgrade has ended, whatever else succeeds meanwhile', async () => {
      const cluster = await world.addCluster('two-versions');
      await world.db('kubernetes_cluster').where({ uuid: cluster.uuid }).update({ target_version_id: 'newer' });
      for (const [warning, reason] of [
        [undefined, /^MixedVersions: .* finishes\.$/],
        ['the dashboard is not there', /^MixedVersions: .* finishes\. the dashboard is not there$/],
      ] as const) {
        const { operationId } = await world.queue(await reread(cluster));
        await claim(operationId);
        await settleOperation(world.db, operationId, outcome('succeeded', warning === undefined ? {} : { warning }));
        expect((await reread(cluster)).reason).toMatch(reason);
        await world.db('kubernetes_cluster').where({ uuid: cluster.uuid }).update({ state: 'Created' });
      }
      const last = await world.queue(await reread(cluster), { kind: 'delete' });
      await claim(last.operationId);
      await settleOperation(world.db, last.operationId, outcome('succeeded'));
      expect(await reread(cluster)).toMatchObject({ state: 'Destroyed', reason: null });
    });

    test('a start of a cluster in Alert ends in Running, or says that an operation before left a node half-made', async () => {
      const cluster = await world.addCluster('half-made');
      await reserveAll(world.db, cluster.uuid);
      const start = async () => {
        await world.db('kubernetes_cluster').where({ uuid: cluster.uuid }).update({ state: 'Alert' });
        const { operationId } = await world.queue(await reread(cluster), { kind: 'start' });
        await claim(operationId);
        await settleOperation(world.db, operationId, outcome('succeeded'));
        return reread(cluster);
      };
      expect(await start()).toMatchObject({
        state: 'Alert',
        reason: expect.stringMatching(/^the nodes that are in the cluster are started; .* resume or cancel it/),
      });
      await world.db('kubernetes_cluster_vm_map').where({ cluster_id: cluster.uuid }).update({ phase: 'ready' });
      await world.db('vm_instance').update({ state: 'Running' });
      expect(await start()).toMatchObject({ state: 'Running', reason: null });
    });

    test('whatever succeeds beside a node that another operation left half-made rests in Alert and says whose it is', async () => {
      const cluster = await world.addCluster('beside-half-made');
      await reserveAll(world.db, cluster.uuid);
      const settle = async (kind: OperationKind, from: ClusterState, end: 'succeeded' | 'failed' | 'cancelled') => {
        await world.db('kubernetes_cluster').where({ uuid: cluster.uuid }).update({ state: from });
        const { operationId } = await world.queue(await reread(cluster), { kind });
        await claim(operationId);
        await settleOperation(world.db, operationId, outcome(end));
        return operationId;
      };
      const added_by = await settle('scale', 'Running', 'failed');
      await world.db('kubernetes_cluster_vm_map').where({ cluster_id: cluster.uuid }).update({ added_by });
      await world.db('kubernetes_cluster_vm_map').where({ cluster_id: cluster.uuid }).update({ phase: 'ready' });
      await world.db('kubernetes_cluster_vm_map').where({ cluster_id: cluster.uuid, role: 'worker', role_index: 1 }).update({ phase: 'installed' }); // prettier-ignore
      for (const kind of ['replaceNode', 'removeNodes', 'start'] as const) {
        await settle(kind, kind === 'start' ? 'Stopped' : 'Alert', 'succeeded');
        expect(await reread(cluster)).toMatchObject({
          state: 'Alert',
          reason: expect.stringContaining(
            `; the scale before that left nodes half-made: resume or cancel operation ${added_by}`,
          ),
        });
      }
      // Once that one was cancelled, nothing can be resumed or cancelled: what it left over is named by it alone.
      await world.db('operation').where({ uuid: added_by }).update({ state: 'cancelled' });
      await settle('removeNodes', 'Alert', 'succeeded');
      expect(await reread(cluster)).toMatchObject({ state: 'Running', reason: null });
    });

    test('marks the lines that failed and those that were still running', async () => {
      const { operationId } = await world.queue(await world.addCluster('lines'));
      await claim(operationId);
      const lines = ['done', 'fails', 'runs'].map((title, line) => ({
        line,
        parent: null,
        title,
        kind: 'k',
        skip: null,
        after: [],
      }));
      await recordPlan(world.db, operationId, lines);
      await recordPlan(world.db, operationId, lines);
      await world.db('operation_step').where({ operation_id: operationId, line: 0 }).update({ state: 'done' });
      await world.db('operation_step').where({ operation_id: operationId, line: 2 }).update({ state: 'running' });
      await settleOperation(world.db, operationId, outcome('failed', { failedLines: [{ line: 1, note: 'why' }] }));
      const steps = await world.db<StepRow>('operation_step').where({ operation_id: operationId }).orderBy('line');
      expect(steps.map(({ state, note }) => [state, note])).toEqual([
        ['done', null],
        ['failed', 'why'],
        ['failed', 'stopped with the operation'],
      ]);
    });

    test('ends the jobs of those who asked for the end', async () => {
      const { operationId } = await world.queue(await world.addCluster('asked'));
      await claim(operationId);
      const uuid = randomUUID();
      await world.db('async_job').insert({
        uuid,
        job_cmd: 'c',
        account_id: 'a',
        user_id: 'u',
        job_status: 0,
        job_result_code: 0,
        operation_id: operationId,
        created: '2026-01-01',
      });
      await settleOperation(world.db, operationId, outcome('cancelled', { reason: 'Cancelled', fault: 'Cancelled' }));
      expect(await jobOf(uuid)).toMatchObject({
        job_status: 1,
        job_result: JSON.stringify({ object: 'kubernetesclusteroperation', id: operationId }),
      });
    });

    test('of a cancelled create forgets its secrets, that of a failed one keeps them for a resume', async () => {
      for (const [end, left] of [['failed', 1], ['cancelled', 0]] as const) {
        const cluster = await world.addCluster(end);
        const owner = `cluster/${cluster.uuid}`;
        await writeSecret(world.db, world.sealer, owner, 'registry', new Secret('password'));
        const { operationId } = await world.queue(cluster);
        await claim(operationId);
        await settleOperation(world.db, operationId, outcome(end));
        expect(await world.db('secret').where({ owner })).toHaveLength(left);
      }
    }); // prettier-ignore

    test('of a run that was lost before it began leaves the cluster where a failed one rests', async () => {
      const cluster = await world.addCluster('lost');
      const { operationId } = await world.queue(cluster);
      await settleOperation(world.db, operationId, outcome('failed', { fault: 'RunLost', reason: 'lost' }));
      expect((await reread(cluster)).state).toBe('Error');
    });

    test('of a take-over that was lost while it waited does not touch the cluster of the one that holds it', async () => {
      const cluster = await world.addCluster('bystander');
      const create = await world.queue(cluster);
      await claim(create.operationId);
      const remove = await world.queue(cluster, { kind: 'delete', takeOver: true, command: 'deleteKubernetesCluster' });
      await settleOperation(world.db, remove.operationId, outcome('failed', { fault: 'RunLost', reason: 'lost' }));
      expect((await reread(cluster)).state).toBe('Starting');
      await settleOperation(
        world.db,
        create.operationId,
        outcome('superseded', { fault: 'Superseded', reason: 'a delete took over' }),
      );
      expect((await reread(cluster)).state).toBe('Error');
    });
  });

  test('the usual duration of a kind of step is the median of its newest twenty', async () => {
    const rows = Array.from({ length: 30 }, (_, i) => ({
      operation_id: 'measured', line: i, after_lines: '[]', title: 't', kind: 'timed', state: 'done', attempts: 1, seconds: i < 10 ? 1000 : i, ended: `2026-01-01 00:00:${10 + i}.000`,
    })); // prettier-ignore
    await world.db('operation_step').insert(rows);
    expect(await usualSeconds(world.db, ['timed', 'never'])).toEqual(new Map([['timed', 20]]));
  });

  test('two attempts of one reservation at the same time make one set of nodes', async () => {
    const cluster = await world.addCluster('retried', { controlNodes: 1, workers: 2 });
    const [first, second] = await Promise.all([reserveAll(world.db, cluster.uuid), reserveAll(world.db, cluster.uuid)]);
    expect(second).toEqual(first);
    expect(first).toHaveLength(3);
  });
});
