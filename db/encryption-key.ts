import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Secret } from './secret.js';

const file = (home: string) => path.join(home, 'key');

/** `CKS_ENCRYPTION_KEY`, or the key file of the state folder. With a database of one's own the key must be given. */
export function readEncryptionKey(env: NodeJS.ProcessEnv, home: string): Secret {
  const given = env['CKS_ENCRYPTION_KEY'];
  if (given !== undefined && given !== '') {
    if (given.length < 32)
      throw new Error('CKS_ENCRYPTION_KEY must have at least 32 characters: make one with `openssl rand -base64 48`');
    return new Secret(given);
  }
  if (env['DATABASE_URL']?.startsWith('mysql:'))
    throw new Error(
      'CKS_ENCRYPTION_KEY is missing: with DATABASE_URL set it must be given, the same for every process',
    );
  if (!existsSync(file(home)))
    throw new Error(`there is no encryption key at ${file(home)}: run \`npm run migrate\`, or set CKS_ENCRYPTION_KEY`);
  return new Secret(readFileSync(file(home), 'utf8').trim());
}

/** Makes the key file unless there is one or the key is given; whole or not at all, also when killed half-way. */
export function ensureKeyFile(env: NodeJS.ProcessEnv, home: string): void {
  if (env['CKS_ENCRYPTION_KEY'] || env['DATABASE_URL']?.startsWith('mysql:')) return;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  makeKey(file(home));
}

/** The key that follows: `CKS_NEW_ENCRYPTION_KEY` where the present one is given, else a file beside the key file, made once. */
export function readNextKey(env: NodeJS.ProcessEnv, home: string): Secret {
  const given = env['CKS_NEW_ENCRYPTION_KEY'];
  if (env['CKS_ENCRYPTION_KEY']) {
    if (given === undefined || given.length < 32)
      throw new Error(
        'CKS_NEW_ENCRYPTION_KEY must be given, with at least 32 characters: make one with `openssl rand -base64 48`',
      );
    return new Secret(given);
  }
  if (given) throw new Error('CKS_NEW_ENCRYPTION_KEY goes with CKS_ENCRYPTION_KEY: the key file gets a random key');
  makeKey(nextFile(home));
  return new Secret(readFileSync(nextFile(home), 'utf8').trim());
}

/** Puts the next key file in the place of the key file, once the database is sealed under it. */
export function adoptNextKey(home: string): void {
  if (existsSync(nextFile(home))) renameSync(nextFile(home), file(home));
}

const nextFile = (home: string) => `${file(home)}.next`;

/** On disk before it is used: what is sealed under a lost key is lost. */
function makeKey(path: string): void {
  if (existsSync(path)) return;
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${randomBytes(48).toString('base64')}\n`, { mode: 0o600, flush: true });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}
