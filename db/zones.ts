import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { oneAtATime, type Operator } from './hosts.js';
import { now, transact, type Db } from './knex.js';
import { containsText, readPage, sameText, whereGiven, type Listed, type Page } from './matching.js';
import type { ZoneRow } from './rows.js';
import { writeSecret, type Sealer, type Secret } from './secret.js';
import { writeEvent } from './write-event.js';

export interface ZoneFilter {
  id?: string;
  ids?: readonly string[];
  name?: string;
  keyword?: string;
  networktype?: string;
  enabledOnly: boolean;
}

export async function listZones(db: Db, filter: ZoneFilter, page: Page): Promise<Listed<ZoneRow>> {
  const query = whereGiven(db('data_center as z').whereNull('z.removed'), {
    'z.uuid': filter.id,
    'z.networktype': filter.networktype,
  });
  if (filter.ids?.length) void query.whereIn('z.uuid', [...filter.ids]);
  if (filter.enabledOnly) void query.where('z.allocation_state', 'Enabled');
  if (filter.name !== undefined) sameText(db, query, 'z.name', filter.name);
  if (filter.keyword) containsText(query, 'z.name', filter.keyword);
  return readPage(query, ['z.*'], 'z.id', page);
}

/** The hypervisors that a zone, or any zone, has. */
export async function listHypervisors(db: Db, zoneId?: string): Promise<string[]> {
  const query = whereGiven(
    db('data_center').whereNull('removed'),
    zoneId === undefined || zoneId === '-1' ? {} : { uuid: zoneId },
  );
  const rows = (await query.distinct('hypervisor').orderBy('hypervisor')) as { hypervisor: string }[];
  return rows.map(({ hypervisor }) => hypervisor);
}

export interface NewZone extends Pick<ZoneRow, 'name' | 'hypervisor' | 'gateway_url' | 'guest_cidr' | 'network_mode'> {
  enabled: boolean;
  dns1: string | null;
  bridge: string | null;
  public_bridge: string | null;
  internal_cidr: string | null;
  /** Of its gateway: `ssh` (a private key) and `known-host` (the gateway's public key in one line). */
  secrets: ReadonlyMap<string, Secret>;
}

/** Writes a zone and returns its row; undefined when there is one of this name. */
export async function addZone(db: Knex, sealer: Sealer, zone: NewZone, by: Operator): Promise<ZoneRow | undefined> {
  return transact(db, async (trx) => {
    await oneAtATime(trx);
    if (await sameText(trx, trx('data_center'), 'name', zone.name).first('id')) return undefined;
    const { enabled, secrets, ...row } = zone;
    const uuid = randomUUID();
    await trx('data_center').insert({
      uuid,
      ...row,
      networktype: 'Advanced',
      allocation_state: enabled ? 'Enabled' : 'Disabled',
      created: now(trx),
    });
    for (const [name, secret] of secrets) await writeSecret(trx, sealer, `zone/${uuid}`, name, secret);
    await writeEvent(trx, {
      type: 'ZONE.CREATE', state: 'Completed', description: `Successfully completed creating zone ${zone.name}`, user_id: by.userId, account_id: by.accountId,
      domain_id: by.domainId, resource_type: 'Zone', resource_id: uuid,
    }); // prettier-ignore
    return (await trx<ZoneRow>('data_center').where({ uuid }).first())!;
  });
}

export const readZone = (db: Db, uuid: string): Promise<ZoneRow | undefined> =>
  Promise.resolve(db<ZoneRow>('data_center').where({ uuid }).whereNull('removed').first());
