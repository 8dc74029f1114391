import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Knex } from 'knex';
import { connect, type Engine } from '../../db/knex.js';
import { startMariaDb, type MariaDb } from './mariadb.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a process of its own is told to do, all of them at the moment `at`: see `child.ts`. */
export type ChildTask =
  | { do: 'migrate'; url: string; at: number }
  | { do: 'seed'; url: string; at: number; key: string }
  | { do: 'queue'; url: string; at: number; clusterId: string; times: number }
  | { do: 'claim'; url: string; at: number; operationId: string; times: number }
  | { do: 'reserve'; url: string; at: number; clusterId: string }
  | { do: 'rotate'; url: string; at: number; keys: [string, string]; dieAt: number }
  | { do: 'network'; url: string; at: number; times: number };

/** Databases of one engine for one file of tests. */
export class Engines {
  #folder = mkdtempSync(join(tmpdir(), 'cks-db-'));
  #mariadb: MariaDb | undefined;
  #open: Knex[] = [];
  #program: Promise<string> | undefined;

  constructor(readonly engine: Engine) {}

  async start(): Promise<void> {
    if (this.engine === 'mysql') this.#mariadb = await startMariaDb();
  }

  /** The address of an empty database. */
  async emptyUrl(): Promise<string> {
    const name = `t${randomBytes(6).toString('hex')}`;
    if (!this.#mariadb) return `sqlite:${join(this.#folder, `${name}.db`)}`;
    const server = connect(`${this.#mariadb.server}/mysql`);
    // An old default of MySQL, so that nothing rests on the server's own.
    await server.raw(`CREATE DATABASE ${name} CHARACTER SET latin1`);
    await server.destroy();
    return `${this.#mariadb.server}/${name}`;
  }

  open(url: string): Knex {
    const db = connect(url);
    this.#open.push(db);
    return db;
  }

  /** Runs the tasks at the same time, each in a process of its own; one process of SQLite would only wait for itself. */
  async together<T>(tasks: ChildTask[]): Promise<T[]> {
    this.#program ??= this.#build();
    const program = await this.#program;
    const at = Date.now() + 1500;
    return Promise.all(
      tasks.map(async (task) => {
        const { stdout } = await run(process.execPath, ['--no-warnings', program, JSON.stringify({ ...task, at })]);
        return JSON.parse(stdout) as T;
      }),
    );
  }

  async #build(): Promise<string> {
    const out = join(this.#folder, 'child.mjs');
    symlinkSync(join(root, 'node_modules'), join(this.#folder, 'node_modules'));
    const source = join(root, 'test/db/child.ts');
    const options = [
      '--bundle',
      '--packages=external',
      '--platform=node',
      '--format=esm',
      '--log-level=error',
      `--outfile=${out}`,
    ];
    await run(join(root, 'node_modules/.bin/esbuild'), [source, ...options]);
    return out;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#open.map((db) => db.destroy()));
    await this.#mariadb?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Runs the same tests on both engines. A missing MariaDB fails them: what only one engine proves is not proven. */
export function onEachEngine(tests: (engines: Engines) => void): void {
  describe.each(['sqlite', 'mysql'] as const)('%s', (engine) => {
    const engines = new Engines(engine);
    beforeAll(() => engines.start(), 120_000);
    afterAll(() => engines.stop(), 60_000);
    tests(engines);
  });
}
