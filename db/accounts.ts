import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import type { Knex } from 'knex';
import { transact, type Db } from './knex.js';
import { containsText, readPage, sameText, whereGiven, type Listed, type Page } from './matching.js';
import { whereOwned, type Owners } from './owners.js';
import type { AccountRow, DomainRow, UserRow } from './rows.js';
import { Secret, writeSecret, type Sealer } from './secret.js';
import { writeEvent } from './write-event.js';

const COST = 16384;

const derive = (password: string, salt: Buffer, cost: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    // 64 MB: twice what N=16384, r=8 needs.
    scrypt(password.normalize('NFC'), salt, 32, { N: cost, maxmem: 64 * 1024 * 1024 }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });

/** `scrypt$N$salt$hash`, salt and hash in base64. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `scrypt$${COST}$${salt.toString('base64')}$${(await derive(password, salt, COST)).toString('base64')}`;
}

/** Takes the same time for a password that is wrong and a user that does not exist (`stored` undefined). */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [scheme, cost, salt = '', hash = ''] = (stored ?? '').split('$');
  const usable = scheme === 'scrypt' && Number(cost) >= 1024 && hash !== '';
  const found = await derive(password, Buffer.from(salt, 'base64'), usable ? Number(cost) : COST);
  const wanted = Buffer.from(hash, 'base64');
  return usable && wanted.length === found.length && timingSafeEqual(found, wanted);
}

/** 86 characters of URL-safe Base64, the original's form of API and secret keys. */
export const newKey = (): string => randomBytes(64).toString('base64url');

/** A user with his account and domain, as needed to know a caller. */
export interface Identity {
  user: Pick<UserRow, 'uuid' | 'username' | 'firstname' | 'lastname' | 'scope'>;
  account: Pick<AccountRow, 'uuid' | 'account_name' | 'type'>;
  domain: Pick<DomainRow, 'uuid' | 'name' | 'path'>;
  password: string;
  enabled: boolean;
}

/** The user with this uuid, API key or name; removed ones are not found. */
export async function findIdentity(
  db: Db,
  by: { uuid: string } | { api_key: string } | { username: string },
): Promise<Identity | undefined> {
  const [[column, value] = ['uuid', '']] = Object.entries(by);
  const row = await db('user as u')
    .join('account as a', 'a.uuid', 'u.account_id')
    .join('domain as d', 'd.uuid', 'a.domain_id')
    .where(`u.${column}`, String(value))
    .whereNull('u.removed')
    .whereNull('a.removed')
    .first<Record<string, string> & { type: number } | undefined>(
      'u.uuid as user_uuid', 'u.username', 'u.firstname', 'u.lastname', 'u.password', 'u.state as user_state', 'u.scope', 'a.uuid as account_uuid', 'a.account_name',
      'a.type', 'a.state as account_state', 'd.uuid as domain_uuid', 'd.name as domain_name', 'd.path',
    ); // prettier-ignore
  if (!row) return undefined;
  const text = (name: string) => row[name] ?? '';
  return {
    user: {
      uuid: text('user_uuid'),
      username: text('username'),
      firstname: text('firstname'),
      lastname: text('lastname'),
      scope: row['scope'] === 'kubernetes' ? 'kubernetes' : null,
    },
    account: { uuid: text('account_uuid'), account_name: text('account_name'), type: Number(row.type) },
    domain: { uuid: text('domain_uuid'), name: text('domain_name'), path: text('path') },
    password: text('password'),
    enabled: text('user_state').toLowerCase() === 'enabled' && text('account_state').toLowerCase() === 'enabled',
  };
}

/** Gives the user a new pair of keys; the old pair stops working. */
export async function replaceKeys(
  db: Knex,
  sealer: Sealer,
  owner: Identity,
  byUser: string,
): Promise<{ apikey: string; secretkey: Secret }> {
  const apikey = newKey();
  const secretkey = new Secret(newKey());
  await transact(db, async (trx) => {
    await trx('user').where({ uuid: owner.user.uuid }).update({ api_key: apikey });
    await writeSecret(trx, sealer, `user/${owner.user.uuid}`, 'secretkey', secretkey);
    await writeEvent(trx, {
      type: 'REGISTER.USER.KEY',
      state: 'Completed',
      description: `Successfully completed register for the developer API keys of user ${owner.user.username}`,
      user_id: byUser,
      account_id: owner.account.uuid,
      domain_id: owner.domain.uuid,
      resource_type: 'User',
      resource_id: owner.user.uuid,
    });
  });
  return { apikey, secretkey };
}

export const readApiKey = async (db: Db, userId: string): Promise<string | undefined> =>
  (await db('user').where({ uuid: userId }).first<{ api_key: string | null } | undefined>('api_key'))?.api_key ??
  undefined;

export interface AccountListRow extends AccountRow {
  domain: string;
  domain_path: string;
}
export interface AccountFilter {
  id?: string;
  name?: string;
  keyword?: string;
  type?: number;
  state?: string;
  owners: Owners;
}

export async function listAccounts(db: Db, filter: AccountFilter, page: Page): Promise<Listed<AccountListRow>> {
  const query = whereOwned(
    db('account as a').join('domain as d', 'd.uuid', 'a.domain_id').whereNull('a.removed'),
    filter.owners,
  );
  whereGiven(query, { 'a.uuid': filter.id, 'a.type': filter.type });
  if (filter.name !== undefined) sameText(db, query, 'a.account_name', filter.name);
  if (filter.state !== undefined) sameText(db, query, 'a.state', filter.state);
  if (filter.keyword) containsText(query, 'a.account_name', filter.keyword);
  return readPage(query, ['a.*', 'd.name as domain', 'd.path as domain_path'], 'a.id', page);
}

export interface UserListRow extends UserRow {
  account_name: string;
  account_type: number;
  domain_id: string;
  domain: string;
}
export interface UserFilter {
  id?: string;
  username?: string;
  keyword?: string;
  type?: number;
  state?: string;
  apiKey?: string;
  accountIds?: readonly string[];
  owners: Owners;
}

export async function listUsers(db: Db, filter: UserFilter, page: Page): Promise<Listed<UserListRow>> {
  const query = whereOwned(
    db('user as u')
      .join('account as a', 'a.uuid', 'u.account_id')
      .join('domain as d', 'd.uuid', 'a.domain_id')
      .whereNull('u.removed'),
    filter.owners,
  );
  whereGiven(query, { 'u.uuid': filter.id, 'a.type': filter.type, 'u.api_key': filter.apiKey });
  if (filter.username !== undefined) sameText(db, query, 'u.username', filter.username);
  if (filter.state !== undefined) sameText(db, query, 'u.state', filter.state);
  if (filter.keyword) containsText(query, 'u.username', filter.keyword);
  if (filter.accountIds) void query.whereIn('a.uuid', [...filter.accountIds]);
  return readPage(
    query,
    ['u.*', 'a.account_name', 'a.type as account_type', 'd.uuid as domain_id', 'd.name as domain'],
    'u.id',
    page,
  );
}

export interface DomainListRow extends DomainRow {
  parent_name: string | null;
  children: number;
}

export async function listDomains(
  db: Db,
  filter: { id?: string; name?: string; keyword?: string; level?: number; owners: Owners },
  page: Page,
): Promise<Listed<DomainListRow>> {
  const query = whereOwned(
    db('domain as d').leftJoin('domain as p', 'p.uuid', 'd.parent').whereNull('d.removed'),
    filter.owners,
  );
  whereGiven(query, { 'd.uuid': filter.id, 'd.level': filter.level });
  if (filter.name !== undefined) sameText(db, query, 'd.name', filter.name);
  if (filter.keyword) containsText(query, 'd.name', filter.keyword);
  const listed = await readPage<DomainListRow>(query, ['d.*', 'p.name as parent_name'], 'd.id', page);
  const parents = await db('domain')
    .whereNull('removed')
    .whereIn(
      'parent',
      listed.rows.map(({ uuid }) => uuid),
    )
    .distinct<{ parent: string }[]>('parent');
  const having = new Set(parents.map(({ parent }) => parent));
  return { count: listed.count, rows: listed.rows.map((row) => ({ ...row, children: having.has(row.uuid) ? 1 : 0 })) };
}
