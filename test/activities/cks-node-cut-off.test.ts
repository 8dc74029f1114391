import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCksNode } from '../../activities/node/cks-node.js';
import type { SshSession } from '../../activities/node/ssh.js';

const PROGRAM = readFileSync('guest/cks-node');

/** A node that has so much of the program; what it runs, it runs with bash. */
function nodeWith(folder: string, bytes: number) {
  const file = join(folder, 'cks-node');
  writeFileSync(file, PROGRAM.subarray(0, bytes), { mode: 0o755 });
  let puts = 0;
  const session: SshSession = {
    exec(command, _signal, input) {
      if (command.startsWith('sudo install ')) {
        puts++;
        writeFileSync(file, input ?? '');
        return Promise.resolve({ code: 0, stdout: '', stderr: '' });
      }
      const words = command.replace(/^sudo \S+ /, '').split(' ');
      const env = { ...process.env, CKS_ROOT: folder };
      const { status, stdout, stderr } = spawnSync('bash', [file, ...words], { input: input, encoding: 'utf8', env }); // prettier-ignore
      return Promise.resolve({ code: status ?? 255, stdout, stderr });
    },
    onClose: () => undefined,
    close: () => undefined,
  };
  return { session, puts: () => puts };
}

test('a program of which the connection left the beginning only does nothing, is put again, and runs', async () => {
  const cuts = [0, 1, ...Array.from({ length: 25 }, (_, i) => Math.floor(((i + 0.5) * PROGRAM.length) / 25)), PROGRAM.lastIndexOf('main "$@"')]; // prettier-ignore
  for (const bytes of cuts) {
    const folder = mkdtempSync(join(tmpdir(), 'cks-cut-'));
    try {
      const { session, puts } = nodeWith(folder, bytes);
      await expect(runCksNode(session, new AbortController().signal, PROGRAM, 'worker-1', 'evidence', 'look', () => ({}))).resolves.toHaveProperty('clock'); // prettier-ignore
      expect([bytes, puts()]).toEqual([bytes, 1]);
      expect(existsSync(join(folder, 'var/lib/cks/look-1.json'))).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
});

test('a program that is whole is not put again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cks-cut-'));
  try {
    const { session, puts } = nodeWith(folder, PROGRAM.length);
    await runCksNode(session, new AbortController().signal, PROGRAM, 'worker-1', 'evidence', 'look', () => ({}));
    expect(puts()).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
