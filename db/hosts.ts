import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { fault } from '../workflows/model/fault.js';
import type { HostCapacity } from '../workflows/model/probe.js';
import { isMade } from './add-machine.js';
import { endDedication } from './dedicated.js';
import { now, nowPlus, transact, type Db } from './knex.js';
import { containsText, readPage, sameText, whereGiven, type Listed, type Page } from './matching.js';
import { releaseMachine } from './reserve.js';
import type { HostRow, VmRow } from './rows.js';
import { forgetSecrets, readSecret, writeSecret, type Sealer, type Secret } from './secret.js';
import { writeEvent } from './write-event.js';

export interface HostListRow extends HostRow {
  zone_name: string;
  group_id: string | null;
  group_name: string | null;
}
export interface HostFilter {
  id?: string;
  name?: string;
  keyword?: string;
  zoneid?: string;
  state?: string;
  resourcestate?: string;
  hypervisor?: string;
  machineId?: string;
}

export async function listHosts(db: Db, filter: HostFilter, page: Page): Promise<Listed<HostListRow>> {
  const query = db('host as h')
    .join('data_center as z', 'z.uuid', 'h.data_center_id')
    .leftJoin('dedicated_resources as d', 'd.host_id', 'h.uuid')
    .leftJoin('affinity_group as g', 'g.uuid', 'd.affinity_group_id')
    .whereNull('h.removed');
  whereGiven(query, { 'h.uuid': filter.id, 'h.data_center_id': filter.zoneid });
  for (const [column, value] of [
    ['h.name', filter.name],
    ['h.status', filter.state],
    ['h.resource_state', filter.resourcestate],
    ['h.hypervisor_type', filter.hypervisor],
  ] as const)
    // prettier-ignore
    if (value !== undefined) sameText(db, query, column, value);
  if (filter.keyword) containsText(query, 'h.name', filter.keyword);
  if (filter.machineId !== undefined)
    void query.whereIn('h.uuid', db('vm_instance').where({ uuid: filter.machineId }).select('host_id'));
  return readPage(query, ['h.*', 'z.name as zone_name', 'g.uuid as group_id', 'g.name as group_name'], 'h.id', page);
}

/** The host, removed or not. */
export async function mustReadHost(db: Db, uuid: string): Promise<HostRow> {
  const row = await db<HostRow>('host').where({ uuid }).first();
  if (!row) throw fault('Internal', `there is no host ${uuid}`);
  return row;
}

/** `ssh`: a private key; `known-host`: the host's public key in one line; `tls`: JSON of `HostTls`. */
export type HostSecretName = 'ssh' | 'known-host' | 'tls';
/** PEM texts. */
export interface HostTls {
  cacert: string;
  clientcert: string;
  clientkey: string;
}
const ownerOf = (hostId: string) => `host/${hostId}`;

export const readHostSecret = (
  db: Db,
  sealer: Sealer,
  hostId: string,
  name: HostSecretName,
): Promise<Secret | undefined> => readSecret(db, sealer, ownerOf(hostId), name);

export interface NewHost {
  name: string;
  url: string;
  zoneId: string;
  hypervisor: string;
  tags: string | null;
  pool: string;
  fabricUrl: string | null;
  fingerprint: string | null;
  secrets: ReadonlyMap<HostSecretName, Secret>;
}

/** Who adds or names hosts and zones waits for the other, and finds what he made: an operator does so now and then. */
export const oneAtATime = (trx: Knex.Transaction): Promise<unknown> =>
  Promise.resolve(trx('write_lock').where({ id: 0 }).forUpdate().first('id'));

/** Seconds after which a host that is being added was given up by whoever added it. */
const GIVEN_UP = 120;

/**
 * Writes the row and keys of a host that nobody has looked at yet: no machine is placed on it before `hostFound`. Answers why when
 * its URL or name is taken.
 */
export async function beginHost(
  db: Knex,
  sealer: Sealer,
  host: NewHost,
): Promise<{ uuid: string } | { problem: string }> {
  return transact(db, async (trx) => {
    await oneAtATime(trx);
    await dropGivenUp(trx);
    const living = () => trx<HostRow>('host').whereNull('removed');
    const sameUrl = (await sameText(trx, living(), 'url', host.url).first()) as HostRow | undefined;
    if (sameUrl)
      return { problem: sameUrl.status === 'Creating' ? `A host with URL ${host.url} is being added just now` : `A host with URL ${host.url} exists already: ${sameUrl.name}` }; // prettier-ignore
    const sameName = await sameText(trx, living().where({ data_center_id: host.zoneId }), 'name', host.name).first();
    if (sameName) return { problem: `The zone has a host named ${host.name} already: give another name` };
    const uuid = randomUUID();
    await trx('host').insert({
      uuid, name: host.name, url: host.url, data_center_id: host.zoneId, hypervisor_type: host.hypervisor, status: 'Creating', resource_state: 'Disabled', arch: '',
      cpus: 0, ram_mb: 0, cpus_used: 0, ram_mb_used: 0, tags: host.tags, pool: host.pool, fabric_url: host.fabricUrl, fingerprint: host.fingerprint, created: now(trx),
    }); // prettier-ignore
    for (const [name, secret] of host.secrets) await writeSecret(trx, sealer, ownerOf(uuid), name, secret);
    return { uuid };
  });
}

async function dropGivenUp(trx: Knex.Transaction): Promise<void> {
  const rows = await trx<HostRow>('host')
    .where({ status: 'Creating' })
    .where('created', '<', nowPlus(trx, -GIVEN_UP))
    .select('uuid');
  for (const { uuid } of rows) await dropHost(trx, uuid);
}

/** Hosts to look after: one that was begun and not found yet is still its adder's, who may take it back. */
export const hostsInUse = (db: Db) => db<HostRow>('host').whereNull('removed').whereNot({ status: 'Creating' });

/** Takes back `beginHost`; a host that was found stays. */
export async function dropHost(db: Db, uuid: string): Promise<void> {
  if ((await db('host').where({ uuid, status: 'Creating' }).delete()) === 1) await forgetSecrets(db, ownerOf(uuid));
}

/** Who acts, for events. */
export interface Operator {
  userId: string;
  accountId: string;
  domainId: string;
}

const event = (by: Operator, host: { uuid: string }, type: string, description: string) => ({
  type, state: 'Completed' as const, description, user_id: by.userId, account_id: by.accountId, domain_id: by.domainId, resource_type: 'Host', resource_id: host.uuid,
}); // prettier-ignore

/** The host answered: it is up, and machines may be placed on it unless it is to stay disabled. False when it was dropped meanwhile. */
export async function hostFound(
  db: Knex,
  uuid: string,
  facts: HostCapacity,
  enabled: boolean,
  by: Operator,
): Promise<boolean> {
  return transact(db, async (trx) => {
    const found = await trx('host')
      .where({ uuid, status: 'Creating' })
      .update({ status: 'Up', resource_state: enabled ? 'Enabled' : 'Disabled' });
    if (found !== 1) return false;
    await recordFacts(trx, uuid, facts);
    const { name, url } = await mustReadHost(trx, uuid);
    await writeEvent(trx, event(by, { uuid }, 'HOST.ADD', `Successfully completed adding host ${name} (${url})`));
    return true;
  });
}

/** What a host said of itself, and when. */
export async function recordFacts(db: Db, uuid: string, { arch, cpus, ramMb }: HostCapacity): Promise<void> {
  await db('host')
    .where({ uuid })
    .update({ arch, cpus, ram_mb: ramMb, last_pinged: now(db) });
}

export interface HostChange {
  name?: string;
  tags?: string | null;
  resourceState?: 'Enabled' | 'Disabled' | 'Maintenance';
}

/** Changes a host; answers why when another one of its zone has the name, or it was removed. */
export async function changeHost(
  db: Knex,
  uuid: string,
  { name, tags, resourceState }: HostChange,
  by: Operator,
): Promise<string | undefined> {
  return transact(db, async (trx) => {
    const host = await mustReadHost(trx, uuid);
    if (host.removed !== null) return `Host ${host.name} was removed`;
    await oneAtATime(trx);
    if (name !== undefined) {
      const others = trx('host').where({ data_center_id: host.data_center_id }).whereNull('removed').whereNot({ uuid });
      if (await sameText(trx, others, 'name', name).first())
        return `The zone has a host named ${name} already: give another name`;
    }
    const change = {
      ...(name !== undefined && { name }),
      ...(tags !== undefined && { tags }),
      ...(resourceState !== undefined && { resource_state: resourceState }),
    };
    if (Object.keys(change).length > 0) await trx('host').where({ uuid }).update(change);
    const told = Object.entries(change).map(([column, value]) => `${column}=${value ?? ''}`).join(', '); // prettier-ignore
    await writeEvent(trx, event(by, host, 'HOST.UPDATE', `Successfully completed updating host ${host.name}: ${told}`));
    return undefined;
  });
}

/** Machines that a refusal names. */
const TOLD = 10;

/**
 * Removes a host with its keys and its dedication; answers why not while machines are on it or have room there. Placement locks the
 * rows of the zone's hosts, so no machine comes between the look and the change. `forced`: the host is down and does not come back, so that
 * machines on it that were given up hold nothing any more, nor do imported ones that are in no cluster.
 */
export async function deleteHost(db: Knex, uuid: string, by: Operator, forced = false): Promise<string | undefined> {
  return transact(db, async (trx) => {
    await trx('host').where({ uuid }).forUpdate().first('uuid');
    const host = await mustReadHost(trx, uuid);
    if (host.removed !== null) return `Host ${host.name} was removed already`;
    const rows = await trx<VmRow>('vm_instance').where({ host_id: uuid }).whereNull('removed').orderBy('id').select('uuid', 'name', 'state', 'instance_name'); // prettier-ignore
    const nodes = await trx('kubernetes_cluster_vm_map').whereIn('vm_id', rows.map(({ uuid: vm }) => vm)).pluck<string[]>('vm_id'); // prettier-ignore
    const holdsNothing = (row: (typeof rows)[number]) =>
      row.state === 'Destroyed' || (!isMade(row) && !nodes.includes(row.uuid));
    const givenUp = rows.filter((row) => forced && host.status === 'Down' && holdsNothing(row));
    const machines = rows.filter((row) => !givenUp.includes(row)).map(({ name }) => name);
    if (machines.length > 0) {
      const named = machines.slice(0, TOLD).join(', ');
      const more = machines.length > TOLD ? ` and ${machines.length - TOLD} more` : '';
      return `Host ${host.name} has machines: ${named}${more}. Disable it (updateHost allocationstate=Disable) and remove them first`;
    }
    for (const { uuid: vm_id } of givenUp) await releaseMachine(trx, { vm_id });
    await endDedication(trx, uuid);
    await trx('storage_pool')
      .where({ host_id: uuid })
      .whereNull('removed')
      .update({ removed: now(trx) });
    await forgetSecrets(trx, ownerOf(uuid));
    // The URL is free for another host again.
    await trx('host')
      .where({ uuid })
      .update({ url: `removed:${uuid}`, status: 'Removed', resource_state: 'Disabled', removed: now(trx) });
    await writeEvent(trx, event(by, host, 'HOST.DELETE', `Successfully completed deleting host ${host.name} (${host.url})`)); // prettier-ignore
    return undefined;
  });
}
