import { Histogram, Registry } from 'prom-client';
import { collectProcessMetrics } from './process.js';

/** What an API server tells of itself. */
export function apiMetrics() {
  const registry = new Registry();
  collectProcessMetrics(registry);
  const requests = new Histogram({
    name: 'cks_api_request_seconds',
    help: 'Time to answer a request at /client/api, by command and HTTP status; jobs go on after the answer',
    labelNames: ['command', 'code'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  return {
    registry,
    /** `command`: undefined for one that does not exist, so that callers cannot make new labels. */
    answered: (command: string | undefined, code: number, seconds: number) => {
      requests.observe({ command: command ?? 'unknown', code: String(code) }, seconds);
    },
  };
}
export type ApiMetrics = ReturnType<typeof apiMetrics>;
