import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../db/knex.js';
import { root } from '../structure/sources.js';
import { startMariaDb, type MariaDb } from '../db/mariadb.js';

const KEYS = ['the key of this database, long enough', 'another key, just as long as the first one'] as const;
const LIMIT_MS = 60_000;

describe('programs and the database that they are given', () => {
  const home = mkdtempSync(join(tmpdir(), 'cks-key-'));
  let mariadb: MariaDb;
  beforeAll(async () => {
    mariadb = await startMariaDb();
    const server = connect(`${mariadb.server}/mysql`);
    await server.raw('CREATE DATABASE cks CHARACTER SET utf8mb4');
    await server.destroy();
  }, 120_000);
  afterAll(async () => {
    await mariadb.stop();
    rmSync(home, { recursive: true });
  });

  /** Runs a program to its end. */
  const run = (program: string, env: Record<string, string>) =>
    new Promise<{ status: number | null; said: string }>((resolve) => {
      const { PATH = '' } = process.env;
      const child = spawn(process.execPath, [join(root, 'dist', program)], {
        env: { PATH, CKS_HOME: home, DATABASE_URL: `${mariadb.server}/cks`, HOST: '127.0.0.1', PORT: '0', TEMPORAL_PORT: '1', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: LIMIT_MS,
        killSignal: 'SIGKILL',
      }); // prettier-ignore
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => (said += text));
      child.once('close', (status) => resolve({ status, said }));
    });
  const zones = async () => {
    const db = connect(`${mariadb.server}/cks`);
    const names = await db('data_center').orderBy('id').pluck<string[]>('name');
    await db.destroy();
    return names;
  };

  test(
    'with MySQL the migration makes no simulated zone unless it is asked for; the files of clients are there',
    async () => {
      expect(await run('scripts/migrate.js', { CKS_ENCRYPTION_KEY: KEYS[0] })).toMatchObject({ status: 0 });
      expect(await zones()).toEqual([]);
      expect(JSON.parse(readFileSync(join(home, 'admin.json'), 'utf8'))).toHaveProperty('apikey');
      expect(existsSync(join(home, 'cloudstack.ini'))).toBe(true);
      const wrong = await run('scripts/migrate.js', { CKS_ENCRYPTION_KEY: KEYS[0], SIMULATOR: 'yes' });
      expect(wrong).toMatchObject({ status: 1, said: 'migrate: SIMULATOR must be 0 or 1, found "yes"\n' });
      expect(await run('scripts/migrate.js', { CKS_ENCRYPTION_KEY: KEYS[0], SIMULATOR: '1' })).toMatchObject({ status: 0 }); // prettier-ignore
      expect(await zones()).toEqual(['sim-1']);
    },
    4 * LIMIT_MS,
  );

  test.each(['scripts/migrate.js', 'api/server.js', 'worker.js'])(
    '%s does not start with another encryption key, and says so in one line without a key in it',
    async (program) => {
      const { status, said } = await run(program, { CKS_ENCRYPTION_KEY: KEYS[1], CKS_LOG_LEVEL: 'silent' });
      expect(status).toBe(1);
      expect(said).toMatch(/^[\w ]+: this database was sealed under key [0-9a-f]{8}, but CKS_ENCRYPTION_KEY is key [0-9a-f]{8}: start with the key that sealed this database\n$/); // prettier-ignore
      for (const key of KEYS) expect(said).not.toContain(key);
    },
    2 * LIMIT_MS,
  );
});
