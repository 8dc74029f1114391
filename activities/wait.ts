import { Context, sleep } from '@temporalio/activity';
import { textOf } from '../workflows/model/fault.js';

/**
 * Looks until `look` returns something; what it throws counts as "not yet" when `isPassing` says so. The limit is the step's:
 * the activity is ended from outside, and what was last seen is in its heartbeat and its note.
 */
export async function waitFor<T>(
  pollMs: number,
  look: () => Promise<T | undefined>,
  isPassing: (error: unknown) => boolean,
  seen: (text: string) => Promise<void>,
): Promise<T> {
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
    }
    await sleep(pollMs);
  }
}
