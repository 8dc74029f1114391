import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { whyNoLibvirt } from '../../lab/libvirt/private-libvirt.js';

const TURN = path.join(tmpdir(), 'cks-libvirt.turn');

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Two daemons would make and remove the same control groups of this machine: suites with one take turns. */
async function takeTurn(): Promise<void> {
  for (;;) {
    try {
      writeFileSync(TURN, String(process.pid), { flag: 'wx' });
      return;
    } catch {
      try {
        const holder = Number(readFileSync(TURN, 'utf8'));
        if (holder > 0 && !isAlive(holder)) rmSync(TURN, { force: true });
      } catch {
        // it was given up at this moment
      }
    }
    await sleep(200);
  }
}

const why = whyNoLibvirt();
// While the file is loaded, so that waiting counts against no test's limit.
if (why === undefined) await takeTurn();
afterAll(() => {
  if (why === undefined) rmSync(TURN, { force: true });
});

/** `describe`; where no libvirtd can be had the suite fails and says what is missing. */
export const describeWithLibvirt = (name: string, tests: () => void): void => {
  if (why === undefined) describe(name, tests);
  else
    test(name, () => {
      throw new Error(`this machine ${why}: .ci/run says which packages these tests need`);
    });
};
