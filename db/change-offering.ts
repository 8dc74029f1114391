import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { fault } from '../workflows/model/fault.js';
import type { Operator } from './hosts.js';
import { now, transact } from './knex.js';
import { sameText } from './matching.js';
import type { ServiceOfferingRow } from './rows.js';
import { writeEvent } from './write-event.js';

export interface NewServiceOffering {
  name: string;
  displayText: string;
  cpus: number;
  speedMhz: number;
  ramMb: number;
  hostTags: string | null;
}
export interface ServiceOfferingChange {
  name?: string;
  displayText?: string;
  hostTags?: string | null;
  state?: 'Active' | 'Inactive';
}

/** Adds an offering. Names need not differ in the original, where one that exists twice is found by nobody: here they must. */
export const addServiceOffering = (
  db: Knex,
  wanted: NewServiceOffering,
  by: Operator,
): Promise<ServiceOfferingRow | { problem: string }> =>
  transact(db, async (trx) => {
    const taken = await nameTaken(trx, wanted.name);
    if (taken) return { problem: taken };
    const uuid = randomUUID();
    await trx('service_offering').insert({
      uuid, name: wanted.name, display_text: wanted.displayText, cpu: wanted.cpus, speed: wanted.speedMhz, ram_size: wanted.ramMb, state: 'Active', host_tags: wanted.hostTags, created: now(trx),
    }); // prettier-ignore
    await writeEvent(trx, event(by, uuid, 'CREATE', `Successfully completed creating service offering ${wanted.name}`));
    return mustRead(trx, uuid);
  });

/** Sizes never change: machines that have the offering rely on it. */
export const changeServiceOffering = (
  db: Knex,
  uuid: string,
  { name, displayText, hostTags, state }: ServiceOfferingChange,
  by: Operator,
): Promise<ServiceOfferingRow | { problem: string }> =>
  transact(db, async (trx) => {
    const row = await mustRead(trx, uuid);
    if (row.removed !== null) return { problem: `Service offering ${row.name} was deleted` };
    const taken = name === undefined ? undefined : await nameTaken(trx, name, uuid);
    if (taken) return { problem: taken };
    const change = {
      ...(name !== undefined && { name }),
      ...(displayText !== undefined && { display_text: displayText }),
      ...(hostTags !== undefined && { host_tags: hostTags }),
      ...(state !== undefined && { state }),
    };
    if (Object.keys(change).length > 0) await trx('service_offering').where({ uuid }).update(change);
    await writeEvent(trx, event(by, uuid, 'EDIT', `Successfully completed updating service offering ${row.name}`));
    return mustRead(trx, uuid);
  });

/** Nothing new can be made with it; machines and clusters that have it keep it. */
export const removeServiceOffering = (db: Knex, uuid: string, by: Operator): Promise<string | undefined> =>
  transact(db, async (trx) => {
    const row = await mustRead(trx, uuid);
    if (row.removed !== null) return `Service offering ${row.name} was deleted already`;
    await trx('service_offering')
      .where({ uuid })
      .update({ removed: now(trx) });
    await writeEvent(trx, event(by, uuid, 'DELETE', `Successfully completed deleting service offering ${row.name}`));
    return undefined;
  });

async function nameTaken(trx: Knex.Transaction, name: string, but = ''): Promise<string | undefined> {
  const others = trx('service_offering').whereNull('removed').whereNot({ uuid: but });
  const other = await sameText(trx, others, 'name', name).first<{ name: string } | undefined>('name');
  return other && `There is a service offering named ${other.name} already: give another name`;
}

async function mustRead(trx: Knex.Transaction, uuid: string): Promise<ServiceOfferingRow> {
  const row = await trx<ServiceOfferingRow>('service_offering').where({ uuid }).forUpdate().first();
  if (!row) throw fault('Internal', `there is no service offering ${uuid}`);
  return row;
}

const event = (by: Operator, uuid: string, act: 'CREATE' | 'EDIT' | 'DELETE', description: string) => ({
  type: `SERVICE.OFFERING.${act}`, state: 'Completed' as const, description, user_id: by.userId, account_id: by.accountId, domain_id: by.domainId, resource_type: 'ServiceOffering', resource_id: uuid,
}); // prettier-ignore
