import type { Knex } from 'knex';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { readCounts, readStepKinds, type Counts } from './counts.js';
import { collectProcessMetrics } from './process.js';

/** Counts are read at most so often, however many ask. */
const FRESH_MS = 2000;
/** Operations whose kinds of steps are remembered. */
const MOST_OPERATIONS = 500;

/** How a step activity is called: its first argument names the line that it belongs to. */
export interface StepRef {
  operationId: string;
  line: number;
  undo?: boolean;
}

/**
 * What a worker tells. Counts of rows are the same from every worker (take the largest); times are of what this worker did (add them
 * up). `libvirtStarts`: how often a process for calls of libvirt was started.
 */
export function workerMetrics(db: Knex, libvirtStarts: () => number) {
  const registry = new Registry();
  collectProcessMetrics(registry);
  const registers = [registry];
  let counts: Promise<Counts> | undefined;
  const fresh = (): Promise<Counts> => {
    if (!counts) {
      counts = readCounts(db);
      setTimeout(() => (counts = undefined), FRESH_MS).unref();
      counts.catch(() => (counts = undefined));
    }
    return counts;
  };
  const counted = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    of: (all: Counts) => [Record<L, string>, number][],
  ) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      async collect() {
        const found = of(await fresh());
        this.reset();
        for (const [labels, value] of found) this.set(labels, value);
      },
    });

  counted(
    'cks_operations',
    'Operations by kind, state, and the fault that they ended with',
    ['kind', 'state', 'fault'],
    ({ operations }) => operations.map(({ kind, state, fault, n }) => [{ kind, state, fault: fault ?? '' }, n]),
  );
  counted('cks_operations_open', 'Operations that have not ended, by kind', ['kind'], ({ open }) =>
    open.map(({ kind, n }) => [{ kind }, n]),
  );
  counted('cks_clusters', 'Clusters by zone and state', ['zone', 'state'], ({ clusters }) =>
    clusters.map(({ zone, state, n }) => [{ zone, state }, n]),
  );
  counted('cks_hosts', 'Hosts by zone and status', ['zone', 'status'], ({ hosts }) =>
    hosts.map(({ zone, status, n }) => [{ zone, status }, n]),
  );
  counted(
    'cks_host_silence_seconds',
    'Seconds since the host of a zone that was silent for longest answered the scan',
    ['zone'],
    ({ silence }) => silence.map(({ zone, seconds }) => [{ zone }, seconds]),
  );
  counted('cks_jobs_pending', 'Jobs that have not ended', [], ({ jobs }) => [[{}, jobs]]);
  new Counter({
    name: 'cks_libvirt_starts_total',
    help: 'Times that a process for calls of libvirt was started; more than one: the one before hung or died',
    registers,
    collect() {
      this.reset();
      this.inc(libvirtStarts());
    },
  });
  const steps = new Histogram({
    name: 'cks_step_seconds',
    help: 'Time of one try of a step, by the kind of step and how it ended',
    labelNames: ['kind', 'outcome'],
    buckets: [0.05, 0.25, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800],
    registers,
  });
  const waits = new Histogram({
    name: 'cks_activity_wait_seconds',
    help: 'Time from when an activity was due until this worker began it, by task queue',
    labelNames: ['queue'],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300],
    registers,
  });
  const scan = new Histogram({
    name: 'cks_scan_seconds',
    help: 'Time of one scan of a zone',
    labelNames: ['zone'],
    buckets: [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
    registers,
  });
  const scanned = new Gauge({
    name: 'cks_scan_end_timestamp_seconds',
    help: 'When this worker last saw the end of a scan of a zone; its age is time() minus the largest of all workers',
    labelNames: ['zone'],
    registers,
  });

  const kinds = new Map<string, Promise<Map<number, string>>>();
  const kindOf = async ({ operationId, line }: StepRef): Promise<string> => {
    const known = kinds.get(operationId) ?? readStepKinds(db, operationId);
    kinds.set(operationId, known);
    known.catch(() => kinds.delete(operationId));
    const [oldest] = kinds.keys();
    if (kinds.size > MOST_OPERATIONS && oldest !== undefined) kinds.delete(oldest);
    return (await known).get(line) ?? 'unknown';
  };

  return {
    registry,
    activityBegun(queue: string, waitedSeconds: number): void {
      waits.observe({ queue }, Math.max(0, waitedSeconds));
    },
    /** One try of an activity that belongs to a line of an operation has ended. */
    async stepEnded(ref: StepRef, seconds: number, ok: boolean): Promise<void> {
      const kind = await kindOf(ref).catch(() => 'unknown');
      steps.observe({ kind, outcome: ref.undo ? 'undone' : ok ? 'done' : 'failed' }, seconds);
    },
    scanEnded(zone: string, seconds: number): void {
      scan.observe({ zone }, seconds);
      scanned.set({ zone }, Date.now() / 1000);
    },
  };
}
export type WorkerMetrics = ReturnType<typeof workerMetrics>;
