import { transact } from '../db/knex.js';
import { queueMachineChange, type QueuedChange } from '../db/machine-changes.js';
import type { NetworkRow, ServiceOfferingRow, TemplateRow, VmRow, ZoneRow } from '../db/rows.js';
import { startMachineRun } from '../workflows/client.js';
import { fault, textOf } from '../workflows/model/fault.js';
import type { MachineChangeKind, MachineChangeParams } from '../workflows/model/machine-change.js';
import { job, type Answer, type Context } from './command.js';
import { assertAccess } from './ownership.js';

/** Starts the runs of queued changes. A failure here loses nothing: the scan starts what has no run. */
export async function startMachineRuns(ctx: Context, queued: readonly QueuedChange[]): Promise<void> {
  const { temporal, log } = ctx;
  for (const change of queued) {
    if (!temporal || change.refused) continue;
    await startMachineRun(temporal, change).catch((error: unknown) =>
      log.warn({ job: change.jobId, error: textOf(error) }, 'Temporal did not take the run; the scan will start it'),
    );
  }
}

export const limitOf = async (ctx: Context, kind: MachineChangeKind): Promise<number> => {
  const settings = await ctx.settings();
  const wait = kind === 'stop' || kind === 'reboot' ? settings['cks.machine.stop.timeout'] : 0;
  return settings['cks.machine.timeout'] + (kind === 'deploy' ? settings['cks.machine.volume.timeout'] : wait);
};

export const callerOf = ({ caller }: Context) => ({ accountId: caller.account.uuid, userId: caller.user.uuid });

/** Writes job and change, starts the run, answers with the job. Access is checked first; rules are checked in the job. */
export async function submitMachineChange(
  ctx: Context,
  id: string,
  kind: MachineChangeKind,
  params: MachineChangeParams = {},
): Promise<Answer> {
  const vm = await ctx.db<VmRow>('vm_instance').where({ uuid: id }).first();
  if (!vm || vm.removed !== null) throw fault('BadParameter', `Unable to find a virtual machine with id ${id}`);
  await assertAccess(ctx, vm.account_id);
  const limitSeconds = await limitOf(ctx, kind);
  const queued = await transact(ctx.db, (trx) =>
    queueMachineChange(trx, { kind, vmId: id, params, limitSeconds, caller: callerOf(ctx) }),
  );
  await startMachineRuns(ctx, [queued]);
  return job(queued.jobId);
}

export interface MachineParts {
  zone: ZoneRow;
  network: NetworkRow;
  offering: ServiceOfferingRow;
  template: TemplateRow;
}

/** The rows that a new machine names. Throws `BadParameter` that names what is missing or does not fit. */
export async function readMachineParts(
  ctx: Context,
  asked: { zoneid: string; serviceofferingid: string; templateid?: string; networkids?: readonly string[] },
  accountId: string,
): Promise<MachineParts> {
  const one = async <T extends object>(table: string, uuid: string | undefined, what: string): Promise<T> => {
    const row = (await ctx.db(table).where({ uuid: uuid ?? '' }).whereNull('removed').first()) as T | undefined; // prettier-ignore
    if (!row) throw fault('BadParameter', `Unable to find ${what}${uuid === undefined ? '' : ` with id ${uuid}`}`);
    return row;
  };
  const zone = await one<ZoneRow>('data_center', asked.zoneid, 'the zone');
  if (zone.allocation_state !== 'Enabled' && ctx.caller.role !== 'A')
    throw fault('PermissionDenied', `Cannot perform this operation, Zone is currently disabled: ${zone.name}`);
  const offering = await one<ServiceOfferingRow>('service_offering', asked.serviceofferingid, 'the service offering');
  if (offering.state !== 'Active')
    throw fault('BadParameter', `Service offering ${offering.name} is ${offering.state}: choose another one`);
  const template = await readTemplate(ctx, asked.templateid, zone);
  const isForeign = template.public !== 1 && template.account_id !== accountId && ctx.caller.role !== 'A';
  if (isForeign) await assertAccess(ctx, template.account_id);
  const ids = asked.networkids ?? (await ownNetworks(ctx, zone, accountId));
  if (ids.length !== 1)
    throw fault(
      'BadParameter',
      ids.length === 0
        ? `networkids is missing, and the owner has no network in zone ${zone.name}: make one with createNetwork`
        : asked.networkids
          ? `networkids names ${ids.length} networks: a machine of this service is in one`
          : `networkids is missing, and the owner has ${ids.length} networks in zone ${zone.name}: say which`,
    );
  const network = await one<NetworkRow>('networks', ids[0], 'the network');
  if (network.data_center_id !== zone.uuid)
    throw fault('BadParameter', `Network ${network.name} is not in zone ${zone.name}`);
  if (network.guest_type === 'Isolated' && network.account_id !== accountId)
    throw fault('BadParameter', `Network ${network.name} belongs to another account than the machine`);
  return { zone, network, offering, template };
}

const ownNetworks = async (ctx: Context, zone: ZoneRow, accountId: string): Promise<string[]> =>
  (
    await ctx
      .db<NetworkRow>('networks')
      .where({ data_center_id: zone.uuid, account_id: accountId })
      .whereNull('removed')
      .select('uuid')
  ).map(({ uuid }) => uuid);

async function readTemplate(ctx: Context, id: string | undefined, zone: ZoneRow): Promise<TemplateRow> {
  const inZone = ctx
    .db<TemplateRow>('vm_template')
    .where({ kind: 'TEMPLATE' })
    .whereNull('removed')
    .where((either) => void either.where({ data_center_id: zone.uuid }).orWhereNull('data_center_id'));
  const template = await (
    id === undefined ? inZone.where({ for_cks: 1, state: 'Ready' }).orderBy('id') : inZone.where({ uuid: id })
  ).first();
  if (!template)
    throw fault(
      'BadParameter',
      id === undefined
        ? `Zone ${zone.name} has no template for Kubernetes nodes: give templateid`
        : `Template ${id} is not in zone ${zone.name}`,
    );
  if (template.state !== 'Ready')
    throw fault('BadParameter', `Template ${template.name} is not ready: ${template.state}`);
  return template;
}
