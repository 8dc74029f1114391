import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { now, transact, type Db } from './knex.js';
import { containsText, readPage, sameText, whereGiven, type Listed, type Page } from './matching.js';
import { joinOwner, OWNER_COLUMNS, whereOwned, type OwnerColumns, type Owners } from './owners.js';
import type { UserDataRow } from './rows.js';
import { writeEvent } from './write-event.js';

export interface UserDataListRow extends UserDataRow, OwnerColumns {}

/** User data or CNI configurations, newest first: neither list shows the other's entries. */
export async function listUserData(
  db: Db,
  filter: { forCks: boolean; id?: string; name?: string; keyword?: string; owners: Owners },
  page: Page,
): Promise<Listed<UserDataListRow>> {
  const query = whereOwned(joinOwner(db('user_data as x'), 'x.account_id'), filter.owners);
  whereGiven(query, { 'x.uuid': filter.id, 'x.for_cks': Number(filter.forCks) });
  if (filter.name !== undefined) sameText(db, query, 'x.name', filter.name);
  if (filter.keyword) containsText(query, 'x.name', filter.keyword);
  return readPage(query, ['x.*', ...OWNER_COLUMNS], 'x.id', page, 'desc');
}

export const readUserData = (db: Db, uuid: string): Promise<UserDataRow | undefined> =>
  Promise.resolve(db<UserDataRow>('user_data').where({ uuid }).first());

export interface NewUserData {
  name: string;
  data: string;
  params: readonly string[];
  forCks: boolean;
  accountId: string;
  domainId: string;
  /** Who acts, for the event. */
  userId: string;
}

const wordsOf = (forCks: boolean) =>
  forCks
    ? { register: 'REGISTER.CNI.CONFIG', remove: 'DELETE.CNI.CONFIG', what: 'CNI configuration' }
    : { register: 'REGISTER.USER.DATA', remove: 'DELETE.USER.DATA', what: 'user data' };

/** Stores it; undefined when the owner has user data or a CNI configuration of that name. */
export const addUserData = (db: Knex, wanted: NewUserData): Promise<string | undefined> =>
  transact(db, async (trx) => {
    await trx('account').where({ uuid: wanted.accountId }).forUpdate().first('uuid');
    const named = trx('user_data').where({ account_id: wanted.accountId });
    if (await sameText(trx, named, 'name', wanted.name).first<object | undefined>()) return undefined;
    const uuid = randomUUID();
    await trx('user_data').insert({
      uuid,
      name: wanted.name,
      account_id: wanted.accountId,
      domain_id: wanted.domainId,
      data: wanted.data,
      params: wanted.params.join(',') || null,
      for_cks: Number(wanted.forCks),
      created: now(trx),
    });
    const { register, what } = wordsOf(wanted.forCks);
    await writeEvent(trx, { ...eventOf(wanted, register), description: `Successfully completed registering ${what} ${wanted.name}` }); // prettier-ignore
    return uuid;
  });

/** Deletes it. Answers why not, while a cluster or a machine uses it. */
export const deleteUserData = (db: Knex, row: UserDataRow, userId: string): Promise<string | undefined> =>
  transact(db, async (trx) => {
    const { register: _, remove, what } = wordsOf(row.for_cks === 1);
    const clusters = await trx('kubernetes_cluster')
      .where({ cni_config_id: row.uuid })
      .whereNull('removed')
      .select<{ name: string }[]>('name');
    const machines = await trx('vm_instance')
      .where({ user_data_id: row.uuid })
      .whereNull('removed')
      .select<{ name: string }[]>('name');
    const users = [
      ...clusters.map(({ name }) => `Kubernetes cluster ${name}`),
      ...machines.map(({ name }) => `machine ${name}`),
    ];
    if (users.length > 0) return `The ${what} ${row.name} is in use by ${users.join(', ')}: delete these first`;
    await trx('user_data').where({ uuid: row.uuid }).delete();
    const owner = { accountId: row.account_id, domainId: row.domain_id, userId };
    await writeEvent(trx, { ...eventOf(owner, remove), description: `Successfully completed deleting ${what} ${row.name}` }); // prettier-ignore
    return undefined;
  });

const eventOf = (owner: Pick<NewUserData, 'accountId' | 'domainId' | 'userId'>, type: string) => ({
  type,
  state: 'Completed' as const,
  user_id: owner.userId,
  account_id: owner.accountId,
  domain_id: owner.domainId,
  resource_type: 'UserData',
});
