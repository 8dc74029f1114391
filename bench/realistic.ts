import { readProfile } from '../simulator/profiles.js';
import type { ApiClient } from '../scripts/client.js';
import { criticalPath } from './critical-path.js';
import { openDatabase } from './database.js';
import { startService, waitJob, type Service } from './service.js';

/** So much faster than the durations of `behaviour.md` §8.5. */
export const FACTOR = 10;
export const POLL_MS = 100;
const LIMIT = 1.1;

/** The durations of §8.5 by their symbols, in seconds before they are divided. */
export const t = readProfile('realistic');

/** The service on a simulated zone with those durations, and widths that hold nothing back. */
export async function startRealistic(): Promise<Service> {
  const service = await startService({
    SIMULATOR_PROFILE: 'realistic',
    SIMULATOR_SCALE: String(FACTOR),
    CKS_POLL_MS: String(POLL_MS),
  });
  for (const name of ['cloud.kubernetes.cluster.max.size', 'cks.operation.width', 'cks.host.install.width'])
    await configure(service.api, name, 100);
  return service;
}

export const configure = (api: ApiClient, name: string, value: number): Promise<unknown> =>
  api.call('updateConfiguration', { name, value: String(value) });

/** Wall times beside their lower bounds, each with where it went. */
export class Ratios {
  readonly lines = [
    `profile realistic ÷ ${FACTOR}, poll ${POLL_MS} ms, widths 100; seconds; limit of the ratio ${LIMIT.toFixed(2)}`,
  ];
  isOver = false;

  constructor(
    private readonly service: Service,
    columns = '',
  ) {
    this.lines.push(`${'case'.padEnd(18)}   wall   T_min  ratio${columns}`);
  }

  /** Runs the command to the end of its job, and compares with `bound`, which is in seconds of the profile. */
  async measure(
    name: string,
    bound: number,
    command: string,
    parameters: Record<string, string>,
    more = '',
  ): Promise<string> {
    const { api } = this.service;
    const began = performance.now();
    const answer = await api.call(command, parameters);
    await waitJob(api, answer.jobid);
    const wall = (performance.now() - began) / 1000;
    const ratio = wall / (bound / FACTOR);
    if (ratio > LIMIT) this.isOver = true;
    this.lines.push(
      `${name.padEnd(18)} ${wall.toFixed(2).padStart(6)} ${(bound / FACTOR).toFixed(2).padStart(7)} ${ratio.toFixed(3).padStart(6)}${more}`,
    );
    const db = openDatabase(this.service);
    this.lines.push(await criticalPath(db, answer.jobid as string));
    await db.destroy();
    return answer.id as string;
  }
}
