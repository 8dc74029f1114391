import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import type { Db } from './knex.js';

/**
 * A value that must not be seen: turning it into text, JSON or a log line throws or shows a mask, so it cannot enter an
 * activity's argument, a result, a log or an error. `reveal()` is the only way to its content.
 */
export class Secret {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  reveal(): string {
    return this.#text;
  }
  toJSON(): never {
    throw new Error('a secret cannot be serialised');
  }
  toString(): never {
    throw new Error('a secret cannot be turned into text');
  }
  [Symbol.toPrimitive](): never {
    throw new Error('a secret cannot be turned into text');
  }
  [inspect.custom](): string {
    return '[secret]';
  }
}

/** Seals and opens text with AES-256-GCM under a key derived per purpose; the sealed text is bound to its place. */
export class Sealer {
  readonly #key: Buffer;
  readonly keyId: string;
  constructor(encryptionKey: Secret) {
    this.#key = Buffer.from(hkdfSync('sha256', Buffer.from(encryptionKey.reveal()), 'cks', 'database', 32));
    this.keyId = createHash('sha256').update(this.#key).digest('hex').slice(0, 8);
  }
  seal(place: string, secret: Secret): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(place));
    const body = Buffer.concat([cipher.update(secret.reveal(), 'utf8'), cipher.final()]);
    return `${this.keyId}:${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')}`;
  }
  /** Throws when the key is another one or the text was moved or changed. */
  open(place: string, sealed: string): Secret {
    const [keyId, encoded = ''] = sealed.split(':');
    if (keyId !== this.keyId)
      throw new Error(
        `sealed under key ${keyId}, but CKS_ENCRYPTION_KEY is key ${this.keyId}: start with the key that sealed this database`,
      );
    const bytes = Buffer.from(encoded, 'base64');
    const cipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, 12))
      .setAAD(Buffer.from(place))
      .setAuthTag(bytes.subarray(12, 28));
    return new Secret(Buffer.concat([cipher.update(bytes.subarray(28)), cipher.final()]).toString('utf8'));
  }
}

/** What a stored secret is bound to. */
export const secretPlace = (owner: string, name: string): string => `secret/${owner}/${name}`;
const place = secretPlace;

/** Id of the key that a text was sealed under. */
export const sealedUnder = (sealed: string): string => sealed.split(':')[0] ?? '';

/** Secrets by owner (`cluster/<uuid>`, `vm/<uuid>`, `user/<uuid>`, `service`) and name. */
export async function readSecret(db: Db, sealer: Sealer, owner: string, name: string): Promise<Secret | undefined> {
  const row = await db('secret').where({ owner, name }).first<{ sealed: string } | undefined>();
  return row && sealer.open(place(owner, name), row.sealed);
}

export async function writeSecret(db: Db, sealer: Sealer, owner: string, name: string, secret: Secret): Promise<void> {
  const sealed = sealer.seal(place(owner, name), secret);
  await db('secret').insert({ owner, name, sealed }).onConflict(['owner', 'name']).merge({ sealed });
}

/** Stores `secret` unless one is there already, and returns the one that is there: a second maker gets the first one's. */
export async function keepSecret(
  db: Db,
  sealer: Sealer,
  owner: string,
  name: string,
  secret: () => Secret,
): Promise<Secret> {
  const found = await readSecret(db, sealer, owner, name);
  if (found) return found;
  await db('secret')
    .insert({ owner, name, sealed: sealer.seal(place(owner, name), secret()) })
    .onConflict(['owner', 'name'])
    .ignore();
  const kept = await readSecret(db, sealer, owner, name);
  if (!kept) throw new Error(`the secret ${owner} ${name} was removed while it was being stored`);
  return kept;
}

export const forgetSecrets = (db: Db, owner: string): Promise<number> =>
  Promise.resolve(db('secret').where({ owner }).delete());
