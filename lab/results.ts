import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, release, totalmem } from 'node:os';

/** How a case went. */
export interface CaseResult {
  name: string;
  features: readonly string[];
  result: 'passed' | 'failed' | 'not run';
  passed: boolean;
  seconds: number;
  /** Why it failed. */
  why?: string;
}
/** What a case ran on: its own, since cases may be run one by one, each on another machine. */
export interface Run {
  when: string;
  commit: string;
  machine: string;
  versions: Record<string, string>;
}
/** The last run of a case; one that never ran has nothing of a run. */
export type KeptResult = CaseResult & Partial<Run>;

export const machineText = (): string =>
  `Linux ${release()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`;

/** What is kept of each case: its result and run where it was in this run, else what was kept before. */
export function merge<Case extends Pick<CaseResult, 'name' | 'features'>>(
  cases: readonly Case[],
  kept: readonly KeptResult[],
  ran: readonly CaseResult[],
  runOf: (one: Case) => Run,
): KeptResult[] {
  return cases.map((one) => {
    const { name, features } = one;
    const now = ran.find((result) => result.name === name);
    if (now) return { ...now, ...runOf(one) };
    return kept.find((result) => result.name === name) ?? { name, features, result: 'not run', passed: false, seconds: 0 };
  }); // prettier-ignore
}

export const readResults = (file: string): KeptResult[] =>
  existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { cases: KeptResult[] }).cases : [];

export const writeResults = (file: string, cases: readonly KeptResult[]): void =>
  writeFileSync(file, `${JSON.stringify({ cases }, null, 2)}\n`);
