import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { DEDICATION_NAME, DEDICATION_TYPE } from '../workflows/model/affinity.js';
import { insertGroup } from './affinity.js';
import { now, transact, type Db } from './knex.js';
import { readPage, whereGiven, type Listed, type Page } from './matching.js';
import { isWithin } from './owners.js';
import type { DedicationRow, HostRow } from './rows.js';
import { writeEvent } from './write-event.js';

export interface DedicationListRow extends DedicationRow {
  host_name: string;
}
export interface DedicationFilter {
  id?: string;
  hostid?: string;
  domainid?: string;
  accountId?: string;
  affinitygroupid?: string;
}

export async function listDedicatedHosts(
  db: Db,
  filter: DedicationFilter,
  page: Page,
): Promise<Listed<DedicationListRow>> {
  const query = db('dedicated_resources as d').join('host as h', 'h.uuid', 'd.host_id');
  whereGiven(query, {
    'd.uuid': filter.id,
    'd.host_id': filter.hostid,
    'd.domain_id': filter.domainid,
    'd.account_id': filter.accountId,
    'd.affinity_group_id': filter.affinitygroupid,
  });
  return readPage(query, ['d.*', 'h.name as host_name'], 'd.id', page);
}

export interface Dedicating {
  domain: { uuid: string; path: string };
  account: { uuid: string; name: string } | undefined;
  /** Who acts. */
  by: { userId: string; accountId: string; domainId: string };
}

/**
 * Dedicates a host, and answers its dedication; or why it cannot be. Machines that are on it must belong to whom it is for. Placement
 * locks the rows of the zone's hosts, so no machine comes between the look and the change. `done` runs in the same transaction.
 */
export async function dedicateHost<T>(
  db: Knex,
  hostId: string,
  { domain, account, by }: Dedicating,
  done: (trx: Knex.Transaction, row: DedicationListRow) => Promise<T>,
): Promise<{ done: T } | { problem: string }> {
  return transact(db, async (trx) => {
    const host = (await trx('host').where({ uuid: hostId }).whereNull('removed').forUpdate().first()) as
      HostRow | undefined;
    if (!host) return { problem: `Unable to find host ${hostId}: it was removed` };
    if (await trx('dedicated_resources').where({ host_id: hostId }).first('id'))
      return { problem: `Host ${host.name} is already dedicated: releaseDedicatedHost comes first` };
    const strangers = (await readOwnersOnHost(trx, hostId)).filter(
      ({ account_id, path }) => !(account ? account_id === account.uuid : isWithin(path, domain.path)),
    );
    const whom = account ? `account ${account.name}` : `domain ${domain.path}`;
    if (strangers.length > 0)
      return { problem: `Host ${host.name} cannot be dedicated to ${whom}: it has machines of others: ${strangers.map(({ name }) => name).join(', ')}` }; // prettier-ignore
    const owner = { account_id: account?.uuid ?? by.accountId, domain_id: domain.uuid };
    const affinity_group_id = await dedicationGroup(trx, owner, account === undefined);
    const uuid = randomUUID();
    await trx('dedicated_resources').insert({
      uuid,
      host_id: hostId,
      domain_id: domain.uuid,
      account_id: account?.uuid ?? null,
      affinity_group_id,
      created: now(trx),
    });
    await writeEvent(trx, {
      type: 'DEDICATE.RESOURCE', state: 'Completed', description: `Successfully completed dedicating host ${host.name} to ${whom}`, user_id: by.userId,
      account_id: by.accountId, domain_id: by.domainId, resource_type: 'Host', resource_id: hostId,
    }); // prettier-ignore
    const { rows } = await listDedicatedHosts(trx, { id: uuid }, { offset: 0 });
    return { done: await done(trx, rows[0]!) };
  });
}

/** Hosts that are dedicated to the same account or domain share a group, which stands for the dedication on the wire. */
async function dedicationGroup(
  trx: Knex.Transaction,
  owner: { account_id: string; domain_id: string },
  forDomain: boolean,
): Promise<string> {
  const name = `${DEDICATION_NAME}${forDomain ? owner.domain_id : owner.account_id}`;
  const found = await trx('affinity_group')
    .where({ ...owner, name, type: DEDICATION_TYPE })
    .first<{ uuid: string } | undefined>('uuid');
  return (
    found?.uuid ??
    insertGroup(trx, { name, type: DEDICATION_TYPE, description: 'stands for hosts that are dedicated', ...owner })
  );
}

/** False when the host is not dedicated. `done` runs in the same transaction. */
export async function releaseDedicatedHost<T>(
  db: Knex,
  hostId: string,
  by: Dedicating['by'],
  done: (trx: Knex.Transaction) => Promise<T>,
): Promise<T | undefined> {
  return transact(db, async (trx) => {
    const host = await trx('host').where({ uuid: hostId }).forUpdate().first<{ name: string } | undefined>('name');
    if (!host || !(await endDedication(trx, hostId))) return undefined;
    await writeEvent(trx, {
      type: 'DEDICATE.RESOURCE.RELEASE', state: 'Completed', description: `Successfully completed releasing dedicated host ${host.name}`, user_id: by.userId,
      account_id: by.accountId, domain_id: by.domainId, resource_type: 'Host', resource_id: hostId,
    }); // prettier-ignore
    return done(trx);
  });
}

/** Takes away a host's dedication, and its group once no host is left in it. */
export async function endDedication(trx: Knex.Transaction, hostId: string): Promise<boolean> {
  const row = (await trx('dedicated_resources').where({ host_id: hostId }).first()) as DedicationRow | undefined;
  if (!row) return false;
  const { affinity_group_id } = row;
  await trx('dedicated_resources').where({ host_id: hostId }).delete();
  if (!(await trx('dedicated_resources').where({ affinity_group_id }).first('id')))
    await trx('affinity_group').where({ uuid: affinity_group_id }).delete();
  return true;
}

const readOwnersOnHost = async (trx: Knex.Transaction, hostId: string) =>
  trx('vm_instance as v')
    .join('account as a', 'a.uuid', 'v.account_id')
    .join('domain as d', 'd.uuid', 'a.domain_id')
    .where('v.host_id', hostId)
    .whereNull('v.removed')
    .orderBy('v.id')
    .select<{ name: string; account_id: string; path: string }[]>('v.name', 'v.account_id', 'd.path');
