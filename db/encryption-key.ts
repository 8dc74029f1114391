import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  if (env['CKS_ENCRYPTION_KEY'] || env['DATABASE_URL']?.startsWith('mysql:') || existsSync(file(home))) return;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const draft = `${file(home)}.${process.pid}`;
  writeFileSync(draft, `${randomBytes(48).toString('base64')}\n`, { mode: 0o600 });
  try {
    linkSync(draft, file(home));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}
