import { collectDefaultMetrics, type Registry } from 'prom-client';

/** Between two looks at the event loop. Every 10 ms, as is usual, they were a tenth of what an idle service used of a core. */
const LOOK_MS = 100;

/** Has a registry tell what each process tells of itself: memory, CPU, event loop. */
export const collectProcessMetrics = (register: Registry): void =>
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: LOOK_MS });
