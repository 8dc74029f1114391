import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../../../db/project-root.js';
import { machineText } from '../../../lab/results.js';

/** How a run of the matrix went. */
export interface MatrixRun {
  /** What was chosen: "all", "all, shard 1/8", "cover", "once". */
  choice: string;
  when: string;
  commit: string;
  machine: string;
  seed: number;
  seconds: number;
  kills: number;
  cases: { run: number; failed: number; notBegun: number; ofAll: number };
  /** Steps of operations that met a fault, of how many; kinds of step × faults, of how many. */
  steps: [number, number];
  kindsAndFaults: [number, number];
  failures: string[];
}

/** Keeps the last run of each choice in the file that the repository has. */
export function keepRun(run: Omit<MatrixRun, 'when' | 'commit' | 'machine'>): void {
  const file = path.join(projectRoot(), 'test/stack/matrix/results.json');
  const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { runs: MatrixRun[] }).runs : [];
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: projectRoot(), encoding: 'utf8' }).trim();
  const { choice, ...rest } = run;
  const now = { choice, when: new Date().toISOString(), commit, machine: machineText(), ...rest };
  const runs = [...kept.filter((one) => one.choice !== choice), now].sort((a, b) => a.choice.localeCompare(b.choice));
  writeFileSync(file, `${JSON.stringify({ runs }, null, 2)}\n`);
}
