import {
  ActivityCancellationType,
  CancellationScope,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { describeFailure } from './engine/failure.js';
import type { MachineChangeInput, MachineClaim, MachineOutcome } from './model/machine-change.js';
import { onQueue, type ZoneQueue } from './model/zone-queue.js';

type Machines = Activities['machines'];

/** Endlessly retried, so that a change always comes to rest. */
const bookkeeping = proxyLocalActivities<Pick<Machines, 'claimMachineChange' | 'settleMachineChange'>>({
  startToCloseTimeout: '10s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

const within = (seconds: number, queue: ZoneQueue | undefined) =>
  proxyActivities<Machines>({
    ...onQueue(queue),
    scheduleToCloseTimeout: `${seconds}s`,
    heartbeatTimeout: '6s',
    // The machine is settled only when nothing works on it any more.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '15s', maximumAttempts: 20 },
  });

/** How long a guest may take to power off, of the whole change's time. */
const graceOf = ({ params, limitSeconds }: MachineClaim) =>
  params.forced ? 0 : Math.min(120, Math.ceil(limitSeconds / 5));

/** One change of one machine of a user, from claim to rest. Whatever goes wrong, the machine and the job are settled. */
export async function changeMachine({ jobId }: MachineChangeInput): Promise<MachineOutcome | 'not claimed'> {
  const claim = await CancellationScope.nonCancellable(() => bookkeeping.claimMachineChange(jobId));
  if (claim === null) return 'not claimed';
  let outcome: MachineOutcome;
  try {
    await work(jobId, claim);
    outcome = { ok: true };
  } catch (error) {
    const reason = isCancellation(error) ? 'it was cancelled' : describeFailure(error, claim.limitSeconds).message;
    outcome = { ok: false, reason };
  }
  return CancellationScope.nonCancellable(async () => {
    const state = outcome.ok ? undefined : await rest(jobId, claim);
    await bookkeeping.settleMachineChange(jobId, { ...outcome, ...(state !== undefined && { state }) });
    return outcome;
  });
}

async function work(jobId: string, claim: MachineClaim): Promise<void> {
  const act = within(claim.limitSeconds, claim.queue);
  switch (claim.kind) {
    case 'deploy':
      await act.ensureMachinePlaced(jobId);
      await act.ensureMachineVolume(jobId);
      await act.ensureMachineDefined(jobId);
      return claim.params.start === false ? act.ensureMachineStopped(jobId, 0) : act.ensureMachineRunning(jobId);
    case 'import':
      return act.ensureMachineSeen(jobId, true);
    case 'start':
      return act.ensureMachineRunning(jobId);
    case 'stop':
      return act.ensureMachineStopped(jobId, graceOf(claim));
    case 'reboot':
      await act.ensureMachineStopped(jobId, graceOf(claim));
      return act.ensureMachineRunning(jobId);
    case 'destroy':
      return act.ensureMachineGone(jobId);
  }
}

/**
 * After a failure: what a deploy made is taken away, and the state of any other machine is what its host says. Answers the state
 * to record when the host cannot be asked.
 */
async function rest(jobId: string, { kind, queue }: MachineClaim): Promise<string | undefined> {
  const act = within(60, queue);
  try {
    if (kind === 'deploy') await act.ensureMachineUnmade(jobId);
    else await act.ensureMachineSeen(jobId, false);
    return undefined;
  } catch {
    return kind === 'deploy' ? 'Error' : 'Unknown';
  }
}
