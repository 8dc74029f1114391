import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { hashPassword } from './accounts.js';
import { now, transact, type Db } from './knex.js';
import type { AccountRow, DomainRow } from './rows.js';
import { writeEvent } from './write-event.js';

export interface NewUser {
  username: string;
  /** In clear; only its hash is stored. */
  password: string;
  email: string;
  firstname: string;
  lastname: string;
}
interface Actor {
  userId: string;
  accountId: string;
}

/** What is taken already, if anything. */
export type Taken = { taken: 'username' | 'account' | 'domain' };

/** A new account with its first user. */
export async function addAccount(
  db: Knex,
  wanted: { name: string; type: number; domain: Pick<DomainRow, 'uuid'>; user: NewUser; actor: Actor },
): Promise<{ uuid: string } | Taken> {
  const password = await hashPassword(wanted.user.password);
  return transact(db, async (trx) => {
    if (await trx('user').where({ username: wanted.user.username }).first<object | undefined>())
      return { taken: 'username' };
    const name = { domain_id: wanted.domain.uuid, account_name: wanted.name };
    if (await trx('account').where(name).first<object | undefined>()) return { taken: 'account' };
    const uuid = randomUUID();
    await trx('account').insert({ uuid, ...name, type: wanted.type, state: 'enabled', created: now(trx) });
    await insertUser(trx, uuid, wanted.user, password);
    await writeEvent(trx, {
      ...eventOf(wanted.actor, 'ACCOUNT.CREATE', wanted.domain.uuid, 'Account', uuid),
      description: `Successfully completed creating account ${wanted.name}`,
    });
    return { uuid };
  });
}

/** Another user of an account. */
export async function addUser(
  db: Knex,
  account: Pick<AccountRow, 'uuid' | 'account_name' | 'domain_id'>,
  user: NewUser,
  actor: Actor,
): Promise<{ uuid: string } | Taken> {
  const password = await hashPassword(user.password);
  return transact(db, async (trx) => {
    if (await trx('user').where({ username: user.username }).first<object | undefined>()) return { taken: 'username' };
    const uuid = await insertUser(trx, account.uuid, user, password);
    await writeEvent(trx, {
      ...eventOf(actor, 'USER.CREATE', account.domain_id, 'User', uuid),
      description: `Successfully completed creating user ${user.username} of account ${account.account_name}`,
    });
    return { uuid };
  });
}

/** A new domain below `parent`. */
export const addDomain = (db: Knex, name: string, parent: DomainRow, actor: Actor): Promise<{ uuid: string } | Taken> =>
  transact(db, async (trx) => {
    const path = `${parent.path}/${name}`;
    if (await trx('domain').where({ path }).first<object | undefined>()) return { taken: 'domain' };
    const uuid = randomUUID();
    await trx('domain').insert({ uuid, name, path, parent: parent.uuid, level: parent.level + 1, created: now(trx) });
    await writeEvent(trx, {
      ...eventOf(actor, 'DOMAIN.CREATE', uuid, 'Domain', uuid),
      description: `Successfully completed creating domain ${path}`,
    });
    return { uuid };
  });

async function insertUser(trx: Db, account_id: string, user: NewUser, password: string): Promise<string> {
  const uuid = randomUUID();
  const { username, firstname, lastname, email } = user;
  await trx('user').insert({
    uuid, username, password, account_id, firstname, lastname, email, api_key: null, state: 'enabled', created: now(trx),
  }); // prettier-ignore
  return uuid;
}

const eventOf = (actor: Actor, type: string, domainId: string, resource_type: string, resource_id: string) => ({
  type,
  state: 'Completed' as const,
  user_id: actor.userId,
  account_id: actor.accountId,
  domain_id: domainId,
  resource_type,
  resource_id,
});
