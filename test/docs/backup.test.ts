import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from '../../db/knex.js';
import { readSecret, Sealer, Secret, writeSecret } from '../../db/secret.js';
import { startMariaDb, type MariaDb } from '../db/mariadb.js';
import { root } from '../structure/sources.js';

/** The backup and the restore of the page, as they stand there, on a database of this test. */
const page = readFileSync(path.join(root, 'docs/operate/production.md'), 'utf8');
const dump = /^mysqldump .*$/m.exec(page)?.[0] ?? '';
const restore = /`(zcat .*?)` into an \*\*empty\*\* database/.exec(page)?.[1] ?? '';
const key = 'a key of this test, and long enough';
let folder: string;
let mysql: MariaDb;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'cks-backup-'));
  mysql = await startMariaDb();
  const statements = /^```sql\n([\s\S]*?)^```/m.exec(page)?.[1]?.split(';\n').filter(Boolean) ?? [];
  expect(statements).toHaveLength(3);
  for (const statement of statements) await sql('mysql', statement);
}, 120_000);
afterAll(async () => {
  await mysql?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function sql(database: string, statement: string): Promise<void> {
  const db = connect(`${mysql.server}/${database}`);
  await db.raw(statement).finally(() => db.destroy());
}
function shell(command: string, env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-euo', 'pipefail', '-c', command], { cwd: folder, encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', ...env } }); // prettier-ignore
  return { status, said: stdout + stderr };
}
const migrate = (database: string, sealedUnder = key) =>
  shell(`${process.execPath} ${path.join(root, 'dist/scripts/migrate.js')}`, { CKS_HOME: path.join(folder, database), CKS_ENCRYPTION_KEY: sealedUnder, DATABASE_URL: `${mysql.server}/${database}` }); // prettier-ignore
/** The command of the page, against this server. */
function onPage(command: string, database: string) {
  const { password, port } = new URL(mysql.server);
  expect(command).toContain('-h db1.example -u cks -p cks');
  const here = command
    .replace('-h db1.example -u cks -p cks', `-h 127.0.0.1 -P ${port} -u cks ${database}`)
    .replace(/\b(mysqldump|mysql) /, '$1 --no-defaults ')
    .replace('cks-DATE', 'cks-*');
  return shell(here, { MYSQL_PWD: password });
}
/** Every row of every table. */
async function rowsOf(database: string): Promise<Record<string, unknown>> {
  const db = connect(`${mysql.server}/${database}`);
  try {
    const tables = await db('information_schema.tables').where({ table_schema: database }).orderBy('table_name').select<{ name: string }[]>('table_name as name'); // prettier-ignore
    const all: Record<string, unknown> = {};
    for (const { name } of tables) all[name] = JSON.parse(JSON.stringify(await db(name).select('*')));
    return all;
  } finally {
    await db.destroy();
  }
}

test('what was backed up is there again in an empty database, and opens under its key only', async () => {
  expect(migrate('cks')).toEqual({ status: 0, said: '' });
  const sealer = new Sealer(new Secret(key));
  const db = connect(`${mysql.server}/cks`);
  await writeSecret(db, sealer, 'host/one', 'ssh', new Secret('a private key: ä, 😀'));
  await db.destroy();
  expect(onPage(dump, 'cks')).toEqual({ status: 0, said: '' });
  expect(readdirSync(folder)).toContainEqual(expect.stringMatching(/^cks-\d{4}-\d\d-\d\d\.sql\.gz$/));

  await sql('mysql', 'CREATE DATABASE again CHARACTER SET utf8mb4');
  expect(onPage(restore, 'again')).toEqual({ status: 0, said: '' });
  const [was, is] = [await rowsOf('cks'), await rowsOf('again')];
  expect(Object.keys(was).length).toBeGreaterThan(40);
  expect(is).toEqual(was);

  expect(migrate('again', 'another key, which is long enough')).toMatchObject({ status: 1, said: expect.stringMatching(/sealed under key/) as string }); // prettier-ignore
  expect(migrate('again')).toEqual({ status: 0, said: '' });
  expect(await rowsOf('again')).toEqual(was);
  const restored = connect(`${mysql.server}/again`);
  expect((await readSecret(restored, sealer, 'host/one', 'ssh'))?.reveal()).toBe('a private key: ä, 😀');
  await restored.destroy();
}, 240_000);
