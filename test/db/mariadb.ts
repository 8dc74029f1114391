import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from '../../lab/free-ports.js';

const run = promisify(execFile);
const START_MS = 60_000;

export interface MariaDb {
  /** `mysql://user:password@127.0.0.1:port` without a database's name. */
  server: string;
  stop(): Promise<void>;
}

/** Debian keeps the server where only root's PATH looks. */
function program(name: string): string {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin', '/usr/local/sbin'];
  const found = folders.filter(Boolean).find((folder) => existsSync(join(folder, name)));
  if (found === undefined) {
    throw new Error(
      `${name} is missing: these tests run on MySQL too and need MariaDB (Debian: apt-get install mariadb-server)`,
    );
  }
  return join(found, name);
}

/** A server of this test's own, with a folder that is deleted with it and a password nobody else knows. */
export async function startMariaDb(): Promise<MariaDb> {
  const [install, daemon] = [program('mariadb-install-db'), program('mariadbd')];
  const folder = mkdtempSync(join(tmpdir(), 'cks-mariadb-'));
  const data = join(folder, 'data');
  const user = `--user=${userInfo().username}`;
  // A server that starts deletes the temporary tables that it finds there: none may be another's.
  const temporary = `--tmpdir=${folder}`;
  await run(install, [
    '--no-defaults',
    `--datadir=${data}`,
    temporary,
    '--auth-root-authentication-method=socket',
    '--skip-test-db',
    user,
  ]);
  const [port = 0] = await freePorts(1);
  const password = randomBytes(16).toString('hex');
  const init = join(folder, 'init.sql');
  writeFileSync(
    init,
    `CREATE USER 'cks'@'127.0.0.1' IDENTIFIED BY '${password}';\nGRANT ALL ON *.* TO 'cks'@'127.0.0.1' WITH GRANT OPTION;\n`,
    { mode: 0o600 },
  );
  const child = spawn(
    daemon,
    [
      '--no-defaults', `--datadir=${data}`, temporary, `--socket=${join(folder, 's')}`, `--pid-file=${join(folder, 'pid')}`, `--port=${port}`, '--bind-address=127.0.0.1',
      '--skip-name-resolve', `--init-file=${init}`, '--innodb-flush-log-at-trx-commit=0', '--max-connections=300', user,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  ); // prettier-ignore
  let words = '';
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  try {
    await new Promise<void>((resolve, reject) => {
      const limit = setTimeout(
        () => reject(new Error(`mariadbd was not up after ${START_MS / 1000} s: ${words.slice(-500)}`)),
        START_MS,
      );
      child.once('exit', (code) => reject(new Error(`mariadbd ended with ${code}: ${words.slice(-500)}`)));
      child.stderr.on('data', (text: Buffer) => {
        words = (words + text.toString()).slice(-4000);
        if (!words.includes('ready for connections')) return;
        clearTimeout(limit);
        resolve();
      });
    });
  } catch (error) {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    server: `mysql://cks:${password}@127.0.0.1:${port}`,
    async stop() {
      await end(child);
      process.removeListener('exit', kill);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const limit = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(limit);
}
