import { ActivityFailure, CancellationScope, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { NetworkChangeInput, NetworkOutcome } from './model/network-change.js';
import { onQueue, type ZoneQueue } from './model/zone-queue.js';

/** The Go client gives up on a job after 300 s: a gateway that does not answer has to be told of before. */
const applying = (queue: ZoneQueue | undefined) =>
  proxyActivities<Activities['networks']>({
    ...onQueue(queue),
    scheduleToCloseTimeout: '240s',
    startToCloseTimeout: '120s',
    heartbeatTimeout: '6s',
    retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '15s', maximumAttempts: 12 },
  });
const takingBack = (queue: ZoneQueue | undefined) =>
  proxyActivities<Activities['networks']>({
    ...onQueue(queue),
    startToCloseTimeout: '60s',
    heartbeatTimeout: '6s',
    retry: { initialInterval: '1s', maximumAttempts: 3 },
  });
const rows = proxyActivities<Activities['networks']>({
  startToCloseTimeout: '10s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

/** Brings a change of rows to its gateway and ends its job; when the gateway fails, the rows go back to what they were. */
export async function applyNetwork(input: NetworkChangeInput): Promise<NetworkOutcome> {
  const outcome = await applying(input.queue)
    .ensureNetworkApplied(input)
    .then(
      (): NetworkOutcome => ({ ok: true }),
      (error: unknown): NetworkOutcome => ({ ok: false, reason: reasonOf(error) }),
    );
  // A cancel in the Temporal Web UI ends the attempt, not the bookkeeping.
  return CancellationScope.nonCancellable(async () => {
    await rows.settleNetworkChange(input.jobId, outcome);
    // The gateway may have taken the change though its answer was lost. When this fails too, the scan mends it.
    if (!outcome.ok)
      await takingBack(input.queue)
        .ensureNetworkApplied(input)
        .catch(() => undefined);
    return outcome;
  });
}

function reasonOf(error: unknown): string {
  if (isCancellation(error)) return 'it was cancelled';
  const cause = error instanceof ActivityFailure ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}
