import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { projectRoot } from '../db/project-root.js';

/** Prints a block of results, and keeps it in `bench/RESULTS.md` when `--keep` was given. */
export function report(name: string, command: string, lines: string[]): void {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: projectRoot(), encoding: 'utf8' }).trim();
  const machine = `${os.cpus().length} cores (${os.cpus()[0]?.model ?? 'unknown'}), ${Math.round(os.totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
  const block = [
    `## ${name}, ${new Date().toISOString().slice(0, 16)}Z`,
    '',
    `- machine: ${machine}`,
    `- commit: ${commit}`,
    `- command: \`${command}\``,
    '',
    '```',
    ...lines,
    '```',
    '',
  ].join('\n');
  process.stdout.write(`${block}\n`);
  if (process.argv.includes('--keep')) appendFileSync(path.join(projectRoot(), 'bench/RESULTS.md'), `\n${block}`);
}
