import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, release, totalmem } from 'node:os';

export interface CaseResult {
  name: string;
  result: 'passed' | 'failed' | 'not run';
  passed: boolean;
  seconds: number;
  features: readonly string[];
  /** Why it failed or did not run. */
  why?: string;
  /** The last run of it: cases may be run one by one. */
  when?: string;
  commit?: string;
}
export interface Results {
  machine: string;
  versions: Record<string, string>;
  when: string;
  commit: string;
  cases: CaseResult[];
}

export const machineText = (): string =>
  `Linux ${release()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`;

/** Writes the run down: a case that was not among those of this run keeps what it had. */
export function record(file: string, run: Results): Results {
  const old = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : undefined;
  const cases = run.cases.map((one) => {
    const known = old?.cases.find(({ name }) => name === one.name);
    return one.result === 'not run' && known ? known : { ...one, when: run.when, commit: run.commit };
  });
  const results = { ...run, cases };
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  return results;
}
