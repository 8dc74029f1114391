import type { Knex } from 'knex';
import { fault } from '../workflows/model/fault.js';
import { now, transact } from './knex.js';
import { hasRoomFor, readFactors } from './overprovisioning.js';
import type { ServiceOfferingRow, VmRow } from './rows.js';

/**
 * Gives a machine another offering: more room is taken before `change` runs, room that it no longer needs is given back after.
 * Again with the same offering it only confirms. Throws `CapacityExhausted` naming what its host has left.
 */
export async function resizeMachine(
  db: Knex,
  vm: Pick<VmRow, 'uuid' | 'name' | 'host_id'>,
  offeringId: string,
  change: (size: { cpus: number; ramMb: number }) => Promise<void>,
): Promise<void> {
  const offering = await db<ServiceOfferingRow>('service_offering').where({ uuid: offeringId }).first();
  if (!offering) throw fault('Internal', `there is no service offering ${offeringId}`);
  const size = { cpus: offering.cpu, ramMb: offering.ram_size };
  await hold(db, vm, size, true);
  await change(size);
  await hold(db, vm, size, false);
  await db('vm_instance')
    .where({ uuid: vm.uuid })
    .update({ service_offering_id: offeringId, update_time: now(db) });
}

/** `atLeast`: holds as much as it held and as much as it will need; else exactly what it needs. */
async function hold(
  db: Knex,
  vm: Pick<VmRow, 'uuid' | 'name' | 'host_id'>,
  size: { cpus: number; ramMb: number },
  atLeast: boolean,
): Promise<void> {
  await transact(db, async (trx) => {
    await trx('host').where({ uuid: vm.host_id }).forUpdate().first('uuid');
    const held = await trx('host_reservation')
      .where({ vm_id: vm.uuid })
      .first<{ cpus: number; ram_mb: number } | undefined>();
    if (!held) throw fault('Internal', `${vm.name} holds no room on its host`);
    const cpus = atLeast ? Math.max(held.cpus, size.cpus) : size.cpus;
    const ramMb = atLeast ? Math.max(held.ram_mb, size.ramMb) : size.ramMb;
    const [moreCpus, moreRam] = [cpus - held.cpus, ramMb - held.ram_mb];
    const factors = await readFactors(trx);
    const got = await trx('host')
      .where({ uuid: vm.host_id })
      .whereRaw(...hasRoomFor(factors, moreCpus, moreRam))
      .update({
        cpus_used: trx.raw('cpus_used + ?', [moreCpus]),
        ram_mb_used: trx.raw('ram_mb_used + ?', [moreRam]),
      });
    if (got !== 1 && (moreCpus > 0 || moreRam > 0)) {
      const host = await trx('host')
        .where({ uuid: vm.host_id })
        .first<{ name: string; cpus: number; cpus_used: number; ram_mb: number; ram_mb_used: number }>();
      throw fault(
        'CapacityExhausted',
        `host ${host.name} has ${host.cpus * factors.cpu - host.cpus_used} CPUs and ${host.ram_mb * factors.ram - host.ram_mb_used} MB left: ${vm.name} needs ${moreCpus} and ${moreRam} more`,
      );
    }
    await trx('host_reservation').where({ vm_id: vm.uuid }).update({ cpus, ram_mb: ramMb });
  });
}
