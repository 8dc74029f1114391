import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { now, transact, type Db } from './knex.js';
import { containsText, readPage, sameText, whereGiven, type Listed, type Page } from './matching.js';
import { joinOwner, OWNER_COLUMNS, whereOwned, type OwnerColumns, type Owners } from './owners.js';
import type { SshKeyPairRow } from './rows.js';
import { writeEvent } from './write-event.js';

export interface KeyPairListRow extends SshKeyPairRow, OwnerColumns {}

export async function listKeyPairs(
  db: Db,
  filter: { id?: string; name?: string; fingerprint?: string; keyword?: string; owners: Owners },
  page: Page,
): Promise<Listed<KeyPairListRow>> {
  const query = whereOwned(joinOwner(db('ssh_keypairs as s'), 's.account_id'), filter.owners);
  whereGiven(query, { 's.uuid': filter.id, 's.fingerprint': filter.fingerprint });
  if (filter.name !== undefined) sameText(db, query, 's.keypair_name', filter.name);
  if (filter.keyword) containsText(query, 's.keypair_name', filter.keyword);
  return readPage(query, ['s.*', ...OWNER_COLUMNS], 's.id', page);
}

export interface KeyPairOwner {
  accountId: string;
  domainId: string;
  /** Who acts, for the event. */
  userId: string;
}

/** Stores a public key; answers what is there already when name or key is taken. */
export async function addKeyPair(
  db: Knex,
  owner: KeyPairOwner,
  key: { name: string; fingerprint: string; publicKey: string },
  eventType: string,
): Promise<{ uuid: string } | { taken: 'name' | 'key' }> {
  return transact(db, async (trx) => {
    const mine = trx<SshKeyPairRow>('ssh_keypairs').where({ account_id: owner.accountId });
    if (await mine.clone().where({ keypair_name: key.name }).first()) return { taken: 'name' };
    if (await mine.clone().where({ fingerprint: key.fingerprint }).first()) return { taken: 'key' };
    const uuid = randomUUID();
    await trx('ssh_keypairs').insert({
      uuid,
      keypair_name: key.name,
      account_id: owner.accountId,
      domain_id: owner.domainId,
      fingerprint: key.fingerprint,
      public_key: key.publicKey,
      created: now(trx),
    });
    await writeEvent(trx, {
      ...eventOf(owner, eventType),
      description: `Successfully completed registering SSH key pair ${key.name}`,
    });
    return { uuid };
  });
}

/** True when there was such a key pair. */
export async function deleteKeyPair(db: Knex, owner: KeyPairOwner, name: string): Promise<boolean> {
  return transact(db, async (trx) => {
    const gone = await trx('ssh_keypairs').where({ account_id: owner.accountId, keypair_name: name }).delete();
    if (gone > 0)
      await writeEvent(trx, {
        ...eventOf(owner, 'UNREGISTER.SSH.KEYPAIR'),
        description: `Successfully completed deleting SSH key pair ${name}`,
      });
    return gone > 0;
  });
}

const eventOf = (owner: KeyPairOwner, type: string) => ({
  type,
  state: 'Completed' as const,
  user_id: owner.userId,
  account_id: owner.accountId,
  domain_id: owner.domainId,
  resource_type: 'SSHKeyPair',
});
