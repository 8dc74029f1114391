import { readFileSync, readdirSync } from 'node:fs';

/** What Linux counts CPU time in, on every architecture that Node runs on. */
export const TICKS_PER_SECOND = 100;

/** A file below /proc; empty when its process or thread has just ended. */
function read(file: string): string {
  try {
    return readFileSync(`/proc/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** A process and everything that it started, as far as it lives. */
export function family(pid: number): number[] {
  const children = (task: string): number[] =>
    read(`${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number);
  return [pid, ...readdirSync(`/proc/${pid}/task`).flatMap(children).flatMap(family)];
}

/** Resident memory of a process and its descendants, in MB. */
export const residentMb = (pid: number): number =>
  family(pid).reduce((sum, one) => sum + Number(/VmRSS:\s+(\d+)/.exec(read(`${one}/status`))?.[1] ?? 0) / 1024, 0);

/** CPU seconds that a process, its descendants and those of them that have ended have used. */
export const cpuSeconds = (pid: number): number =>
  family(pid).reduce((sum, one) => {
    const fields = read(`${one}/stat`).replace(/^.*\) /, '').split(' '); // prettier-ignore
    return sum + fields.slice(11, 15).reduce((ticks, field) => ticks + Number(field), 0) / TICKS_PER_SECOND;
  }, 0);
