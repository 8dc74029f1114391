import { Context } from '@temporalio/activity';
import { accountKeyPair } from '../db/account-key.js';
import { isMade, placeMachine, readMachineContext, type MachineContext } from '../db/add-machine.js';
import { now, transact } from '../db/knex.js';
import {
  assertHoldsChange,
  claimMachineChange,
  mustReadMachine,
  openMachineChanges,
  readChange,
  settleMachineChange,
} from '../db/machine-changes.js';
import { dropRulesOfMachine } from '../db/add-rule.js';
import { leaveCluster } from '../db/members.js';
import { releaseMachine, returnRoom } from '../db/reserve.js';
import { keepSecret, readSecret, Secret } from '../db/secret.js';
import { newSshKeyPair } from '../db/ssh-key-pair.js';
import { readUserData } from '../db/user-data.js';
import type { HostRow, MachineChangeRow, SshKeyPairRow } from '../db/rows.js';
import { isMachineRunOpen, startMachineRun } from '../workflows/client.js';
import { fault, textOf } from '../workflows/model/fault.js';
import type { MachineChangeParams, MachineClaim, MachineOutcome } from '../workflows/model/machine-change.js';
import type { Deps } from './deps.js';
import { ensureImageOn } from './images/place.js';
import type { Hypervisor } from './hypervisor/driver.js';
import { hostNetwork } from './hypervisor/host-network.js';
import { removeMachine, seedOf, volumeOf } from './hypervisor/machine-parts.js';
import { ensureNetworkImplemented } from './networks.js';
import { userSeedFiles } from './hypervisor/user-seed.js';
import { guarded } from './step.js';
import type { KeyPair } from './store/index.js';

type Parts = Pick<Deps, 'db' | 'sealer' | 'openHypervisor' | 'openGateway' | 'fetchImage'>;

const runId = () => Context.current().info.workflowExecution!.runId;

/**
 * Changes of users' machines. Each activity is keyed by the change's job, looks before it acts, and leaves what its name says.
 * Volume, seed and domain have names made from the machine's id, as those of clusters' nodes.
 */
export const machineActivities = ({ db, sealer, openHypervisor, openGateway, fetchImage }: Parts) => {
  /** The machine of a change that this run still holds. */
  const onMachine = <T>(
    jobId: string,
    body: (context: MachineContext, change: MachineChangeRow) => Promise<T>,
  ): Promise<T> => {
    const run = runId();
    const holds = async () => void (await assertHoldsChange(db, jobId, run));
    return guarded(holds, async () => {
      const change = (await readChange(db, jobId))!;
      return body(await readMachineContext(db, change.vm_id), change);
    });
  };
  const onHost = <T>(
    jobId: string,
    body: (context: MachineContext, host: Hypervisor, change: MachineChangeRow, row: HostRow) => Promise<T>,
  ): Promise<T> =>
    onMachine(jobId, (context, change) => {
      if (!context.host) throw fault('Internal', `machine ${context.vm.name} has no host`);
      return body(context, openHypervisor(context.host), change, context.host);
    });
  const setState = (vmId: string, state: string) =>
    db('vm_instance')
      .where({ uuid: vmId })
      .whereNull('removed')
      .update({ state, update_time: now(db) });

  /** No domain, seed or volume of the machine is on its host. A domain that was imported keeps its disks: they are not ours. */
  const removeFromHost = async ({ vm, host, network }: MachineContext): Promise<void> => {
    if (!host || vm.managed === 0) return;
    const hypervisor = openHypervisor(host);
    if (!isMade(vm)) return hypervisor.ensureLetGo?.(vm.instance_name, vm.uuid);
    await removeMachine(hypervisor, vm.instance_name);
    await hypervisor.ensureNetworkAbsent(hostNetwork(network));
  };

  return {
    claimMachineChange: (jobId: string): Promise<MachineClaim | null> => claimMachineChange(db, jobId, runId()),

    async ensureMachinePlaced(jobId: string): Promise<void> {
      await onMachine(jobId, ({ vm }, change) => placeMachine(db, vm.uuid, paramsOf(change).hostId));
    },

    async ensureMachineVolume(jobId: string): Promise<void> {
      await onHost(jobId, async ({ vm, template }, host, _change, row) => {
        await ensureImageOn({ db, openHypervisor, fetchImage }, row, template);
        await host.ensureVolume({
          name: volumeOf(vm.instance_name),
          sizeGb: vm.root_disk_gb,
          templateId: template.uuid,
        });
      });
    },

    /** Defined with its seed, not started. The seed stays until the machine goes: cloud-init looks for it at every boot. */
    async ensureMachineDefined(jobId: string): Promise<void> {
      await onHost(jobId, async ({ vm, network, offering }, host, change) => {
        const kept = await keepSecret(db, sealer, `vm/${vm.uuid}`, 'hostkey', () => new Secret(JSON.stringify(newSshKeyPair()))); // prettier-ignore
        const hostKey = JSON.parse(kept.reveal()) as KeyPair;
        await db('vm_instance').where({ uuid: vm.uuid }).update({ ssh_host_key: hostKey.public });
        const userData = await userDataOf(vm.uuid, vm.user_data_id);
        const { metadata } = paramsOf(change);
        await host.ensureNetwork(hostNetwork(network));
        await host.ensureSeed({
          name: seedOf(vm.instance_name),
          files: userSeedFiles({
            vm,
            network,
            hostKey,
            authorizedKeys: await authorizedKeys(vm.account_id, vm.keypair),
            ...(userData !== undefined && { userData }),
            ...(metadata && { metadata }),
          }),
        });
        await host.ensureDefined({
          name: vm.instance_name, clusterId: '', machineId: vm.uuid, hostName: vm.name, cpus: offering.cpu, ramMb: offering.ram_size, maxCpus: offering.cpu,
          maxRamMb: offering.ram_size, macAddress: vm.mac_address, ...hostNetwork(network), ipAddress: vm.ip_address ?? '',
          volume: volumeOf(vm.instance_name), media: [seedOf(vm.instance_name)],
        }); // prettier-ignore
      });
    },

    async ensureMachineRunning(jobId: string): Promise<void> {
      await onHost(jobId, async ({ vm, network }, host) => {
        await host.ensureNetwork(hostNetwork(network));
        // Without its gateway a machine has no way out.
        await ensureNetworkImplemented({ db, openGateway }, vm.network_id);
        await host.ensureRunning(vm.instance_name);
        await setState(vm.uuid, 'Running');
      });
    },

    async ensureMachineStopped(jobId: string, graceSeconds: number): Promise<void> {
      await onHost(jobId, async ({ vm }, host) => {
        await host.ensureStopped(vm.instance_name, graceSeconds);
        await setState(vm.uuid, 'Stopped');
      });
    },

    /** Nothing of the machine is left: not on its host, and only then not its address, room, secrets and membership. */
    async ensureMachineGone(jobId: string): Promise<void> {
      await onMachine(jobId, async (context) => {
        await removeFromHost(context);
        await transact(db, async (trx) => {
          await leaveCluster(trx, context.vm.uuid);
          await dropRulesOfMachine(trx, context.vm.uuid);
          await releaseMachine(trx, { vm_id: context.vm.uuid });
        });
      });
    },

    /** A machine that could not be made holds no room; its row stays, in Error, until its owner destroys it. */
    async ensureMachineUnmade(jobId: string): Promise<void> {
      await onMachine(jobId, async (context) => {
        await removeFromHost(context);
        await transact(db, async (trx) => {
          await returnRoom(trx, context.vm.uuid);
          await trx('vm_instance').where({ uuid: context.vm.uuid }).update({ host_id: null, state: 'Error', update_time: now(trx) }); // prettier-ignore
        });
      });
    },

    /** The state of the row is what its host says: Error when there is no such domain, which is refused where it has to be there. */
    async ensureMachineSeen(jobId: string, mustExist: boolean): Promise<void> {
      await onHost(jobId, async ({ vm, host: row }, host) => {
        if (mustExist && !isMade(vm)) await host.ensureAdopted?.(vm.instance_name, vm.uuid);
        // A domain of that name may be the machine of somebody else, as its mark tells.
        const anyMark = isMade(vm) || host.ensureAdopted === undefined;
        const found = (await host.listDomains()).find(
          ({ name, machineId }) => name === vm.instance_name && (anyMark || machineId === vm.uuid),
        );
        await setState(vm.uuid, found ? (found.state === 'running' ? 'Running' : 'Stopped') : 'Error');
        if (!found && mustExist)
          throw fault(
            'HypervisorRefused',
            `there is no domain ${vm.instance_name} on host ${row?.name} that this service can take over: check its name`,
          );
      });
    },

    settleMachineChange: (jobId: string, outcome: MachineOutcome & { state?: string }): Promise<void> =>
      settleMachineChange(db, jobId, outcome, runId()),
  };

  async function userDataOf(vmId: string, id: string | null): Promise<string | undefined> {
    const encoded =
      id === null
        ? (await readSecret(db, sealer, `vm/${vmId}`, 'userdata'))?.reveal()
        : (await readUserData(db, id))?.data;
    return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
  }

  /** The service's own key for the account, so that the machine can be added to a cluster, and the owner's. */
  async function authorizedKeys(accountId: string, names: string | null): Promise<string[]> {
    const own = await db<SshKeyPairRow>('ssh_keypairs')
      .where({ account_id: accountId })
      .whereIn('keypair_name', names?.split(',') ?? [])
      .select('public_key');
    return [(await accountKeyPair(db, sealer, accountId)).public, ...own.map(({ public_key }) => public_key)];
  }
};

const paramsOf = (change: MachineChangeRow) => JSON.parse(change.params) as MachineChangeParams;

/** Seconds after which a change's run must exist. */
const START_GRACE = 3;
/** Runs of one change that may be lost before it is given up. */
const MOST_ATTEMPTS = 5;

/** For the scan: changes whose run was never started, or was lost, get another one; every effect looks before it acts. */
export async function resumeMachineJobs({ db, temporal, log }: Pick<Deps, 'db' | 'temporal' | 'log'>): Promise<void> {
  for (const change of await openMachineChanges(db, START_GRACE)) {
    const { job_id: jobId, kind } = change;
    try {
      if (change.attempt >= MOST_ATTEMPTS && !(await isMachineRunOpen(temporal, jobId))) {
        const reason = `its Temporal run was terminated or lost ${change.attempt} times`;
        await settleMachineChange(db, jobId, { ok: false, reason, state: 'Unknown' });
        continue;
      }
      const { name: machineName } = await mustReadMachine(db, change.vm_id);
      if (await startMachineRun(temporal, { jobId, kind, machineName }))
        log.info({ job: jobId, machine: machineName }, 'started a machine change that had no run');
    } catch (error) {
      log.warn({ job: jobId, error: textOf(error) }, 'the scan could not look after a machine change');
    }
  }
}
