import { Context } from '@temporalio/activity';

/** Four to the shortest heartbeat timeout that an activity has (6 s). */
const HEARTBEAT_MS = 1500;

/** Has the activity heartbeat while `body` runs, with what `says` answers then. */
export async function beating<T>(body: () => Promise<T>, says?: () => string): Promise<T> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(says?.()), HEARTBEAT_MS);
  try {
    return await body();
  } finally {
    clearInterval(beat);
  }
}
