import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockHome, prepareHome } from '../../scripts/home.js';
import { root } from '../structure/sources.js';

const home = mkdtempSync(join(tmpdir(), 'cks-rotate-'));
afterAll(() => rmSync(home, { recursive: true }));

function run(program: string, env: Record<string, string> = {}) {
  const { PATH = '' } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'dist/scripts', program)], {
    env: { PATH, CKS_HOME: home, ...env },
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, said: stdout + stderr };
}
const key = () => readFileSync(join(home, 'key'), 'utf8');

test('the key file is replaced, and the old one is refused from then on', () => {
  prepareHome(home);
  expect(run('migrate.js')).toEqual({ status: 0, said: '' });
  const old = key();
  copyFileSync(join(home, 'key'), join(home, 'old'));
  const { status, said } = run('rotate-key.js');
  expect(said).toMatch(/rotated: \d+ secrets went from key [0-9a-f]{8} to key [0-9a-f]{8}\n$/);
  expect(status).toBe(0);
  expect(key()).not.toBe(old);
  expect(existsSync(join(home, 'key.next'))).toBe(false);
  expect(said).not.toContain(key().trim());
  expect(run('migrate.js')).toEqual({ status: 0, said: '' });
  const refused = run('migrate.js', { CKS_ENCRYPTION_KEY: old.trim() });
  expect(refused).toMatchObject({ status: 1 });
  expect(refused.said).toMatch(/sealed under key/);
}, 120_000);

test('killed after the database was rewritten and before the file was, it only moves the file', () => {
  copyFileSync(join(home, 'key'), join(home, 'key.next'));
  copyFileSync(join(home, 'old'), join(home, 'key'));
  const { status, said } = run('rotate-key.js');
  expect(said).toMatch(/nothing to do: all secrets are sealed under key/);
  expect(status).toBe(0);
  expect(run('migrate.js')).toEqual({ status: 0, said: '' });
}, 120_000);

test('a given key needs the next one; it is refused while the service runs; a stranger key changes nothing', () => {
  const current = key().trim();
  expect(run('rotate-key.js', { CKS_ENCRYPTION_KEY: current })).toMatchObject({
    status: 1,
    said: expect.stringMatching(/^rotate-key: CKS_NEW_ENCRYPTION_KEY must be given/) as string,
  });
  const both = { CKS_ENCRYPTION_KEY: 'some key that is not the one at all', CKS_NEW_ENCRYPTION_KEY: 'x'.repeat(40) };
  expect(run('rotate-key.js', both)).toMatchObject({
    status: 1,
    said: expect.stringMatching(/sealed under key/) as string,
  });
  const lock = lockHome(home);
  if (!('release' in lock)) throw new Error('the folder is held');
  expect(run('rotate-key.js')).toMatchObject({
    status: 1,
    said: expect.stringMatching(/the service runs in .*stop it first/) as string,
  });
  lock.release();
  expect(existsSync(join(home, 'key.next'))).toBe(false);
  const next = 'y'.repeat(40);
  expect(run('rotate-key.js', { CKS_ENCRYPTION_KEY: current, CKS_NEW_ENCRYPTION_KEY: next })).toMatchObject({
    status: 0,
  });
  expect(run('migrate.js', { CKS_ENCRYPTION_KEY: next })).toEqual({ status: 0, said: '' });
}, 180_000);
