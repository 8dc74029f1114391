import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { fault } from '../workflows/model/fault.js';
import {
  MACHINE_CHANGES,
  type MachineChangeKind,
  type MachineChangeParams,
  type MachineClaim,
  type MachineOutcome,
} from '../workflows/model/machine-change.js';
import { refuseMachineChange, type MachineFacts } from '../workflows/model/machine-rules.js';
import { now, nowPlus, transact, type Db } from './knex.js';
import type { MachineChangeRow, VmRow } from './rows.js';
import { writeEvent } from './write-event.js';
import { readZoneQueue } from './zone-queue.js';

const VM_COMMANDS = 'org.apache.cloudstack.api.command.user.vm';

export interface NewMachineChange {
  kind: MachineChangeKind;
  vmId: string;
  params?: MachineChangeParams;
  limitSeconds: number;
  caller: { accountId: string; userId: string };
}

export interface QueuedChange {
  jobId: string;
  vmId: string;
  machineName: string;
  kind: MachineChangeKind;
  /** True when the job has failed at once. */
  refused: boolean;
}

/** What a machine shows while a change works on it. */
const DURING: Record<MachineChangeKind, string | undefined> = {
  deploy: 'Starting',
  import: undefined,
  start: 'Starting',
  stop: 'Stopping',
  reboot: undefined,
  destroy: 'Stopping',
};

/**
 * Writes the job and the change in the caller's transaction. The unique `active_vm_id` decides who holds a machine: a second
 * command, or one that a rule forbids, gets a job that has failed with 530 and says why.
 */
export async function queueMachineChange(trx: Knex.Transaction, wanted: NewMachineChange): Promise<QueuedChange> {
  const { kind, vmId, caller } = wanted;
  await trx('vm_instance').where({ uuid: vmId }).forUpdate().first('uuid');
  const vm = await mustReadMachine(trx, vmId);
  const holder = await activeChange(trx, vmId);
  const refusal = holder
    ? `Machine ${vm.name} is busy: ${MACHINE_CHANGES[holder.kind].phrase} is running; wait for job ${holder.job_id}`
    : vm.removed !== null
      ? `Machine ${vm.name} was destroyed`
      : refuseMachineChange(kind, await readMachineFacts(trx, vm));
  const jobId = randomUUID();
  await trx('async_job').insert({
    uuid: jobId,
    job_cmd: `${VM_COMMANDS}.${MACHINE_CHANGES[kind].command}`,
    instance_type: 'VirtualMachine',
    account_id: caller.accountId,
    user_id: caller.userId,
    job_status: refusal === undefined ? 0 : 2,
    job_result_code: refusal === undefined ? 0 : 530,
    job_result: refusal === undefined ? null : JSON.stringify({ errorcode: 530, errortext: refusal }),
    created: now(trx),
    removed: refusal === undefined ? null : now(trx),
  });
  const queued = { jobId, vmId, machineName: vm.name, kind, refused: refusal !== undefined };
  if (queued.refused) return queued;
  await trx('machine_change').insert({
    job_id: jobId,
    vm_id: vmId,
    active_vm_id: vmId,
    kind,
    params: JSON.stringify(wanted.params ?? {}),
    limit_seconds: wanted.limitSeconds,
    attempt: 0,
    user_id: caller.userId,
    created: now(trx),
  });
  const state = DURING[kind];
  if (state !== undefined)
    await trx('vm_instance')
      .where({ uuid: vmId })
      .update({ state, update_time: now(trx) });
  await writeEvent(trx, {
    ...eventOf(vm, kind, caller.userId),
    state: 'Scheduled',
    description: `${MACHINE_CHANGES[kind].phrase} ${vm.name}`,
  });
  return queued;
}

export const activeChange = (db: Db, vmId: string): Promise<MachineChangeRow | undefined> =>
  Promise.resolve(db<MachineChangeRow>('machine_change').where({ active_vm_id: vmId }).first());

export const readChange = (db: Db, jobId: string): Promise<MachineChangeRow | undefined> =>
  Promise.resolve(db<MachineChangeRow>('machine_change').where({ job_id: jobId }).first());

export async function mustReadMachine(db: Db, vmId: string): Promise<VmRow> {
  const vm = await db<VmRow>('vm_instance').where({ uuid: vmId }).first();
  if (!vm) throw fault('Internal', `there is no machine ${vmId}`);
  return vm;
}

async function readMachineFacts(db: Db, vm: VmRow): Promise<MachineFacts> {
  const cluster = await db('kubernetes_cluster_vm_map as m')
    .join('kubernetes_cluster as c', 'c.uuid', 'm.cluster_id')
    .leftJoin('operation as o', 'o.active_cluster_id', 'c.uuid')
    .where('m.vm_id', vm.uuid)
    .first<
      { name: string; type: 'CloudManaged' | 'ExternalManaged'; external_node: number; busy: string | null } | undefined
    >('c.name', 'c.cluster_type as type', 'm.external_node', 'o.kind as busy');
  return {
    name: vm.name,
    state: vm.state,
    managed: vm.managed === 1,
    ...(cluster && {
      cluster: {
        name: cluster.name,
        type: cluster.type,
        external: cluster.external_node === 1,
        ...(cluster.busy !== null && { busy: cluster.busy }),
      },
    }),
  };
}

/**
 * Takes the change for the run `runId`. A further run takes it over from one that was lost: every effect looks before it acts, and
 * the earlier run's activities are refused from then on. Null: it is over.
 */
export const claimMachineChange = (db: Knex, jobId: string, runId: string): Promise<MachineClaim | null> =>
  transact(db, async (trx) => {
    const claimed = await trx('machine_change')
      .where({ job_id: jobId })
      .whereNull('ended')
      .update({ attempt: trx.raw('CASE WHEN run_id = ? THEN attempt ELSE attempt + 1 END', [runId]), run_id: runId });
    const change = await readChange(trx, jobId);
    if (claimed !== 1 || !change) return null;
    const vm = await mustReadMachine(trx, change.vm_id);
    const queue = await readZoneQueue(trx, vm.data_center_id);
    return {
      ...(queue && { queue }),
      kind: change.kind,
      machineName: vm.name,
      limitSeconds: change.limit_seconds,
      params: JSON.parse(change.params) as MachineChangeParams,
    };
  });

/** Throws `NotHolder` unless the run still holds the change. */
export async function assertHoldsChange(db: Db, jobId: string, runId: string): Promise<MachineChangeRow> {
  const change = await readChange(db, jobId);
  if (!change || change.ended !== null || change.run_id !== runId)
    throw fault('NotHolder', `the machine change ${jobId} has ended or is another run's: this worker was cut off`);
  return change;
}

/**
 * The only end of a change: machine, job and event in one transaction. A second call does nothing, nor does that of a run (`runId`)
 * which another has taken over from.
 */
export const settleMachineChange = (
  db: Knex,
  jobId: string,
  outcome: MachineOutcome & { state?: string },
  runId?: string,
): Promise<void> =>
  transact(db, async (trx) => {
    const ended = await trx('machine_change')
      .where({ job_id: jobId, ...(runId !== undefined && { run_id: runId }) })
      .whereNull('ended')
      .update({ ended: now(trx), active_vm_id: null });
    const change = await readChange(trx, jobId);
    if (ended !== 1 || !change) return;
    const vm = await mustReadMachine(trx, change.vm_id);
    const { phrase } = MACHINE_CHANGES[change.kind];
    const errortext = `Error while ${phrase} ${vm.name}: ${outcome.reason ?? 'it failed'}`;
    if (outcome.state !== undefined)
      await trx('vm_instance')
        .where({ uuid: vm.uuid })
        .whereNull('removed')
        .update({ state: outcome.state, update_time: now(trx) });
    await trx('async_job')
      .where({ uuid: jobId, job_status: 0 })
      .update({
        job_status: outcome.ok ? 1 : 2,
        job_result_code: outcome.ok ? 0 : 530,
        job_result: JSON.stringify(
          outcome.ok ? { object: 'virtualmachine', id: vm.uuid } : { errorcode: 530, errortext },
        ),
        removed: now(trx),
      });
    await writeEvent(trx, {
      ...eventOf(vm, change.kind, change.user_id),
      state: 'Completed',
      level: outcome.ok ? 'INFO' : 'ERROR',
      description: outcome.ok ? `Successfully completed ${phrase} ${vm.name}` : errortext,
    });
  });

/** Changes that are not over and older than a moment: each should have a run. */
export const openMachineChanges = (db: Db, olderThanSeconds: number): Promise<MachineChangeRow[]> =>
  Promise.resolve(
    db<MachineChangeRow>('machine_change')
      .whereNull('ended')
      .where('created', '<', nowPlus(db, -olderThanSeconds))
      .orderBy('id'),
  );

const eventOf = (vm: VmRow, kind: MachineChangeKind, userId: string) => ({
  type: MACHINE_CHANGES[kind].event,
  user_id: userId,
  account_id: vm.account_id,
  domain_id: vm.domain_id,
  resource_type: 'VirtualMachine',
  resource_id: vm.uuid,
});
