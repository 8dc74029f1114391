import type { Knex } from 'knex';
import type { Operator } from './hosts.js';
import { now, transact } from './knex.js';
import type { ZoneRow } from './rows.js';
import { forgetSecrets } from './secret.js';
import { writeEvent } from './write-event.js';

/** Things that keep a zone, in the order in which they are taken away: table, column of the zone, and what it holds. */
const KEEPS = [
  ['kubernetes_cluster', 'zone_id', 'Kubernetes clusters'],
  ['vm_instance', 'data_center_id', 'machines'],
  ['networks', 'data_center_id', 'networks'],
  ['vpc', 'data_center_id', 'VPCs'],
  ['host', 'data_center_id', 'hosts'],
] as const;
const NAME_LIMIT = 191;
/** Of what keeps it, how many are named. */
const TOLD = 5;

/**
 * Removes a zone with its addresses, pools, keys, and the templates and versions that are for it alone; answers why not while
 * something is in it. Its row is held, as by whoever makes a network in it.
 */
export async function deleteZone(db: Knex, uuid: string, by: Operator): Promise<string | undefined> {
  return transact(db, async (trx) => {
    await trx('data_center').where({ uuid }).forUpdate().first('uuid');
    const zone = await trx<ZoneRow>('data_center').where({ uuid }).whereNull('removed').first();
    if (!zone) return `Unable to find zone ${uuid}: it was removed`;
    for (const [table, column, what] of KEEPS) {
      const names = await trx(table).where({ [column]: uuid }).whereNull('removed').orderBy('id').limit(TOLD + 1).pluck<string[]>('name'); // prettier-ignore
      if (names.length > 0)
        return `Zone ${zone.name} has ${what}: ${names.slice(0, TOLD).join(', ')}${names.length > TOLD ? ' and others' : ''}. Delete them first`;
    }
    const gone = { removed: now(trx) };
    await trx('user_ip_address').where({ data_center_id: uuid }).delete();
    await trx('vlan').where({ data_center_id: uuid }).delete();
    await trx('template_zone_ref').where({ zone_id: uuid }).delete();
    await trx('storage_pool').where({ data_center_id: uuid }).whereNull('removed').update(gone);
    await trx('vm_template').where({ data_center_id: uuid }).whereNull('removed').update(gone);
    await trx('kubernetes_supported_version').where({ zone_id: uuid }).whereNull('removed').update(gone);
    await forgetSecrets(trx, `zone/${uuid}`);
    await trx('data_center')
      .where({ uuid })
      // Its name is free again; what tells of it still has it in words.
      .update({ name: `${zone.name} removed:${uuid}`.slice(-NAME_LIMIT), allocation_state: 'Disabled', ...gone });
    await writeEvent(trx, {
      type: 'ZONE.DELETE', state: 'Completed', description: `Successfully completed deleting zone ${zone.name}`, user_id: by.userId, account_id: by.accountId,
      domain_id: by.domainId, resource_type: 'Zone', resource_id: uuid,
    }); // prettier-ignore
    return undefined;
  });
}
