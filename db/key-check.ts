import type { Db } from './knex.js';
import { keepSecret, readSecret, Secret, type Sealer } from './secret.js';

const PLACE = ['service', 'check'] as const;

/** The database was sealed with another encryption key: no waiting helps. */
export class WrongKey extends Error {}

/** Seals a check value with the first key that comes; a key that is not the one which sealed this database is a `WrongKey`. */
export async function sealCheck(db: Db, sealer: Sealer): Promise<void> {
  try {
    await keepSecret(db, sealer, ...PLACE, () => new Secret('cks'));
  } catch (error) {
    throw wrong(error);
  }
}

/** Throws `WrongKey` for a key that did not seal this database, and a plain error while no migration has sealed it yet. */
export async function assertKey(db: Db, sealer: Sealer): Promise<void> {
  const check = await readSecret(db, sealer, ...PLACE).catch((error: unknown) => {
    throw wrong(error);
  });
  if (!check) throw new Error('the database is not set up yet: `npm run migrate` does it');
}

/** What `Sealer.open` says of a value; anything else is the database's own trouble. */
const wrong = (error: unknown): unknown =>
  error instanceof Error && /^sealed under key|unable to authenticate/i.test(error.message)
    ? new WrongKey(`this database was ${error.message}`)
    : error;
