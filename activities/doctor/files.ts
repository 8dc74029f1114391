import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Check } from './finding.js';

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Drafts that a killed program left in the state folder; they may hold keys. */
export const filesOf = (home: string): Check => ({
  name: 'files',
  look: () => {
    const drafts = readdirSync(home).filter((name) => {
      const [, pid] = /^(?:\.(?:admin\.json|cmk\.ini|cloudstack\.ini)|key(?:\.next)?)\.(\d+)$/.exec(name) ?? [];
      return pid !== undefined && !runs(Number(pid));
    });
    const half = existsSync(path.join(home, 'key.next'))
      ? [{ what: `${path.join(home, 'key.next')} is there: a change of the encryption key was not finished`, todo: 'npm run rotate-key' }]
      : []; // prettier-ignore
    return Promise.resolve([
      ...drafts.map((name) => ({
        what: `${path.join(home, name)} was left by a program that was killed`,
        todo: '--fix removes it',
        fix: () => Promise.resolve(rmSync(path.join(home, name), { force: true })),
      })),
      ...half,
    ]);
  },
});
