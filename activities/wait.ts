import { Context, sleep } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { textOf } from '../workflows/model/fault.js';

/** The wait ends so long before its step's limit: then it fails with what it saw, and not with the word that time ran out. */
const BEFORE_LIMIT_MS = 1000;

/**
 * Looks until `look` returns something; what it throws counts as "not yet" when `isPassing` says so, and is told to `seen`. Shortly before the
 * limit of the step is over, the last such fault is thrown for good.
 */
export async function waitFor<T>(
  pollMs: number,
  look: () => Promise<T | undefined>,
  isPassing: (error: unknown) => boolean,
  seen: (text: string) => Promise<void>,
): Promise<T> {
  const { end, seconds } = limit();
  let last = '';
  for (;;) {
    Context.current().cancellationSignal.throwIfAborted();
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      if (!isPassing(error)) throw error;
      const text = textOf(error);
      if (text !== last) await seen(text);
      last = text;
      if (error instanceof ApplicationFailure && Date.now() + pollMs >= end)
        throw ApplicationFailure.nonRetryable(`${text} (after ${seconds} s, the limit of the step)`, error.type);
    }
    await sleep(pollMs);
  }
}

/** By this machine's clock, whatever the server's says: only the time between attempts is taken from there. */
function limit(): { end: number; seconds: number } {
  const {
    scheduleToCloseTimeoutMs = 0,
    scheduledTimestampMs,
    currentAttemptScheduledTimestampMs,
  } = Context.current().info;
  if (scheduleToCloseTimeoutMs === 0) return { end: Infinity, seconds: Infinity };
  const left = scheduleToCloseTimeoutMs - (currentAttemptScheduledTimestampMs - scheduledTimestampMs);
  return { end: Date.now() + left - BEFORE_LIMIT_MS, seconds: scheduleToCloseTimeoutMs / 1000 };
}
