import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { projectRoot } from '../db/project-root.js';
import { TICKS_PER_SECOND } from './processes.js';

/** Seconds of all cores since boot in which anything ran, and those of this process and what it waited for. */
function busySeconds(): { all: number; own: number } {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = (
    /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? ''
  )
    .split(' ')
    .map(Number);
  const own = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\) /, '').split(' ').slice(11, 15).map(Number); // prettier-ignore
  const sum = (ticks: number[]) => ticks.reduce((total, one) => total + one, 0) / TICKS_PER_SECOND;
  return { all: sum([user, nice, system, irq, softIrq, steal]), own: sum(own) };
}

const begin = { at: performance.now(), load: os.loadavg()[0] ?? 0, ...busySeconds() };

/** What else the machine had to do: CPU seconds hold on a busy machine, wall times are longer there. */
function neighbours(): string {
  const end = busySeconds();
  const seconds = (performance.now() - begin.at) / 1000;
  const others = Math.max(0, (end.all - begin.all - (end.own - begin.own)) / seconds);
  const busy = others > 0.1 * os.cpus().length ? ' (not idle: wall times are longer than they need be)' : '';
  return `load average ${begin.load.toFixed(1)} before, ${(os.loadavg()[0] ?? 0).toFixed(1)} after; other programs used ${others.toFixed(2)} of ${os.cpus().length} cores${busy}`;
}

/** Prints a block of results, and keeps it in `bench/RESULTS.md` when `--keep` was given. Programs that were measured have ended. */
export function report(name: string, command: string, lines: string[]): void {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: projectRoot(), encoding: 'utf8' }).trim();
  const machine = `${os.cpus().length} cores (${os.cpus()[0]?.model ?? 'unknown'}), ${Math.round(os.totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
  const block = [
    `## ${name}, ${new Date().toISOString().slice(0, 16)}Z`,
    '',
    `- machine: ${machine}`,
    `- beside it: ${neighbours()}`,
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
