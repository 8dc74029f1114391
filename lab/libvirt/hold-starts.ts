import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PrivateLibvirt } from './private-libvirt.js';

/** Before libvirt has made a machine's process, or right after it. */
export type StartMoment = 'start' | 'started';

export interface HeldStarts {
  hold(moment: StartMoment): void;
  /** Once a start has come to the moment. */
  held(): Promise<void>;
  release(): void;
}

/** Has the daemon call a program in the middle of each start, which waits there for as long as `hold` has named that moment. */
export async function holdStarts(libvirt: PrivateLibvirt, driver: 'qemu' | 'lxc'): Promise<HeldStarts> {
  const [wanted, held] = ['hold', 'held'].map((name) => path.join(libvirt.dir, name)) as [string, string];
  mkdirSync(path.join(libvirt.dir, 'etc/hooks'));
  const program = `#!/bin/sh\nwhile [ "$(cat ${wanted} 2>/dev/null)" = "$2" ]; do touch ${held}; sleep 0.02; done\n`;
  writeFileSync(path.join(libvirt.dir, 'etc/hooks', driver), program, { mode: 0o755 });
  await libvirt.restartDaemon();
  return {
    hold: (moment) => writeFileSync(wanted, moment),
    async held() {
      for (let left = 1200; !existsSync(held); left--) {
        if (left === 0) throw new Error('no start came to that moment within 30 s');
        await sleep(25);
      }
    },
    release: () => [wanted, held].forEach((file) => rmSync(file, { force: true })),
  };
}
