import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { addressesOf, overlaps, rangeOf, type Range, type RangeText } from '../workflows/model/address-range.js';
import { toNumber } from '../workflows/model/addresses.js';
import type { Operator } from './hosts.js';
import { now, transact, type Db } from './knex.js';
import { readPage, whereGiven, type Listed, type Page } from './matching.js';
import type { VlanRow, ZoneRow } from './rows.js';
import { writeEvent } from './write-event.js';

export interface VlanListRow extends VlanRow {
  zone_name: string;
}

export async function listVlans(
  db: Db,
  filter: { id?: string; zoneid?: string; vlan?: string },
  page: Page,
): Promise<Listed<VlanListRow>> {
  const query = db('vlan as v').join('data_center as z', 'z.uuid', 'v.data_center_id');
  whereGiven(query, { 'v.uuid': filter.id, 'v.data_center_id': filter.zoneid, 'v.vlan_id': filter.vlan });
  return readPage(query, ['v.*', 'z.name as zone_name'], 'v.id', page);
}

/** Rows of one insert: SQLite takes at most 999 values in a statement, and knex 500 rows. */
const BATCH = 100;

/**
 * Adds a range of public addresses to a zone and returns its id; or answers why not. The zone's row makes a second range wait, and
 * find this one.
 */
export async function addVlan(
  db: Knex,
  zoneId: string,
  text: RangeText & { vlan: string },
  range: Range,
  by: Operator,
): Promise<{ uuid: string } | { problem: string }> {
  return transact(db, async (trx) => {
    await trx('data_center').where({ uuid: zoneId }).forUpdate().first('uuid');
    const zone = await trx<ZoneRow>('data_center').where({ uuid: zoneId }).whereNull('removed').first();
    if (!zone) return { problem: `Unable to find zone ${zoneId}: it was removed` };
    const problem = await findOverlap(trx, zone, text, range);
    if (problem !== undefined) return { problem };
    const uuid = randomUUID();
    await trx('vlan').insert({
      uuid, data_center_id: zoneId, vlan_id: text.vlan, start_ip: text.startip, end_ip: text.endip, vlan_gateway: text.gateway, vlan_netmask: text.netmask, created: now(trx),
    }); // prettier-ignore
    const rows = [...addressesOf(range)].map((public_ip_address) => ({
      uuid: randomUUID(), public_ip_address, data_center_id: zoneId, state: 'Free', source_nat: 0, vlan_id: uuid,
    })); // prettier-ignore
    for (let i = 0; i < rows.length; i += BATCH) await trx('user_ip_address').insert(rows.slice(i, i + BATCH));
    await writeEvent(trx, {
      ...event(by, uuid, 'VLAN.IP.RANGE.CREATE'),
      description: `Successfully completed creating public address range ${text.startip}-${text.endip} in zone ${zone.name}`,
    });
    return { uuid };
  });
}

async function findOverlap(
  trx: Knex.Transaction,
  zone: ZoneRow,
  { startip, endip, gateway }: RangeText,
  range: Range,
): Promise<string | undefined> {
  const wanted = `${startip}-${endip}`;
  const ranges = await trx<VlanRow>('vlan').where({ data_center_id: zone.uuid });
  const other = ranges.find(({ start_ip, end_ip }) => overlaps(range, { start: toNumber(start_ip), end: toNumber(end_ip) })); // prettier-ignore
  if (other)
    return `The range ${wanted} overlaps ${other.start_ip}-${other.end_ip}, which zone ${zone.name} has already`;
  const router = ranges.find(({ vlan_gateway }) => overlaps(range, rangeAt(vlan_gateway)));
  if (router) return `The range ${wanted} holds ${router.vlan_gateway}, the gateway of ${router.start_ip}-${router.end_ip}`; // prettier-ignore
  const inside = ranges.find(({ start_ip, end_ip }) => overlaps(rangeAt(gateway), { start: toNumber(start_ip), end: toNumber(end_ip) })); // prettier-ignore
  if (inside) return `The gateway ${gateway} is one of the addresses ${inside.start_ip}-${inside.end_ip} of zone ${zone.name}`; // prettier-ignore
  if (overlaps(range, rangeOf(zone.guest_cidr)))
    return `The range ${wanted} overlaps ${zone.guest_cidr}, the guest range of zone ${zone.name}`;
  const known = await trx('user_ip_address').where({ data_center_id: zone.uuid }).pluck<string[]>('public_ip_address');
  const taken = known.find((address) => overlaps(range, rangeAt(address)));
  return taken === undefined ? undefined : `The range ${wanted} holds ${taken}, which zone ${zone.name} has already`;
}

const rangeAt = (address: string): Range => ({ start: toNumber(address), end: toNumber(address) });

/** Removes a range with its addresses; answers why not while one of them is in use. */
export async function deleteVlan(db: Knex, uuid: string, by: Operator): Promise<string | undefined> {
  return transact(db, async (trx) => {
    const vlan = (await trx('vlan').where({ uuid }).forUpdate().first()) as VlanRow | undefined;
    if (!vlan) return `Unable to find public address range ${uuid}: it was removed`;
    const range = `${vlan.start_ip}-${vlan.end_ip}`;
    // What is deleted is what is free: an address that is taken at this moment stays, and with it the range.
    await trx('user_ip_address').where({ vlan_id: uuid, state: 'Free' }).delete();
    const used = await trx('user_ip_address as i')
      .leftJoin('networks as n', 'n.uuid', 'i.network_id')
      .where('i.vlan_id', uuid)
      .orderBy('i.id')
      .limit(6)
      .select<{ public_ip_address: string; name: string | null }[]>('i.public_ip_address', 'n.name');
    if (used.length > 0) throw new InUse(range, used);
    await trx('vlan').where({ uuid }).delete();
    await writeEvent(trx, {
      ...event(by, uuid, 'VLAN.IP.RANGE.DELETE'),
      description: `Successfully completed deleting public address range ${range}`,
    });
    return undefined;
  }).catch((error: unknown) => {
    if (error instanceof InUse) return error.message;
    throw error;
  });
}

/** Takes the transaction back, so that a range that is in use keeps its free addresses. */
class InUse extends Error {
  constructor(range: string, used: readonly { public_ip_address: string; name: string | null }[]) {
    const named = used.slice(0, 5).map(({ public_ip_address, name }) => `${public_ip_address}${name === null ? '' : ` (network ${name})`}`); // prettier-ignore
    super(`The range ${range} is in use: ${named.join(', ')}${used.length > 5 ? ' and others' : ''}`);
  }
}

const event = (by: Operator, uuid: string, type: string) => ({
  type, state: 'Completed' as const, user_id: by.userId, account_id: by.accountId, domain_id: by.domainId, resource_type: 'VlanIpRange', resource_id: uuid,
}); // prettier-ignore
