import type { Knex } from 'knex';
import { transact } from './knex.js';
import { sealedUnder, secretPlace, type Sealer } from './secret.js';

/** Rows read and rewritten together: memory stays small however many secrets there are. */
const AT_ONCE = 200;

interface SealedRow {
  id: number;
  owner: string;
  name: string;
  sealed: string;
}

/** Keys that secrets are sealed under, with how many. */
export async function countKeys(db: Knex): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (let after = 0; ;) {
    const rows = await db<SealedRow>('secret').where('id', '>', after).orderBy('id').limit(1000).select('id', 'sealed');
    for (const { sealed } of rows) counts.set(sealedUnder(sealed), (counts.get(sealedUnder(sealed)) ?? 0) + 1);
    if (rows.length < 1000) return counts;
    after = rows.at(-1)!.id;
  }
}

/**
 * Seals every secret anew under another key, in one transaction: a process killed in the middle leaves all of them under the old key.
 * What is under the new one already is left alone, so it may be run again. Returns how many were rewritten.
 */
export async function rotateKey(
  db: Knex,
  from: Sealer,
  to: Sealer,
  progress: (done: number) => void = () => undefined,
): Promise<number> {
  return transact(db, async (trx) => {
    let done = 0;
    for (let after = 0; ;) {
      const rows = await trx<SealedRow>('secret')
        .where('id', '>', after)
        .orderBy('id')
        .limit(AT_ONCE)
        .forUpdate()
        .select('id', 'owner', 'name', 'sealed');
      for (const { id, owner, name, sealed } of rows) {
        if (sealedUnder(sealed) === to.keyId) continue;
        const place = secretPlace(owner, name);
        await trx('secret')
          .where({ id })
          .update({ sealed: to.seal(place, from.open(place, sealed)) });
        done++;
      }
      progress(done);
      if (rows.length < AT_ONCE) return done;
      after = rows.at(-1)!.id;
    }
  });
}
