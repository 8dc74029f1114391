import path from 'node:path';
import { adoptNextKey, readEncryptionKey, readNextKey } from '../db/encryption-key.js';
import { assertKey } from '../db/key-check.js';
import { connect } from '../db/knex.js';
import { countKeys, rotateKey } from '../db/rotate-key.js';
import { Sealer } from '../db/secret.js';
import { lockHome, prepareHome } from './home.js';

/**
 * Seals every secret of the database under another key, after which the service refuses the old one. All or nothing; run again after
 * it was killed at any moment, it finishes what is left.
 */
async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const home = path.resolve(env['CKS_HOME'] ?? '.cks');
  process.umask(0o077);
  prepareHome(home);
  const lock = lockHome(home);
  if (!('release' in lock))
    throw new Error(
      `the service runs in ${home} (process ${lock.pid}): stop it first, it would go on sealing under the old key`,
    );
  const old = new Sealer(readEncryptionKey(env, home));
  const next = new Sealer(readNextKey(env, home));
  const db = connect(env['DATABASE_URL'] ?? `sqlite:${path.join(home, 'cks.db')}`);
  try {
    await assertKey(db, (await countKeys(db)).has(next.keyId) ? next : old);
    const done = await rotateKey(db, old, next, (so) => say(`${so} secrets sealed under the new key`));
    adoptNextKey(home);
    say(
      done === 0
        ? `nothing to do: all secrets are sealed under key ${next.keyId}`
        : `rotated: ${done} secrets went from key ${old.keyId} to key ${next.keyId}`,
    );
    if (env['CKS_ENCRYPTION_KEY'])
      say('start API servers and workers with CKS_ENCRYPTION_KEY set to the new key: they refuse the old one');
  } finally {
    await db.destroy();
    lock.release();
  }
}

const say = (line: string) => process.stdout.write(`${line}\n`);

main(process.env).catch((error: unknown) => {
  process.stderr.write(`rotate-key: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
