import { AsyncLocalStorage } from 'node:async_hooks';
import { asyncLocalStorage } from '@temporalio/activity';

const limited = new AsyncLocalStorage<AbortSignal>();

/** Ends the calls of drivers that `body` makes when they take longer, as if its activity had ended; other work of the activity goes on. */
export function within<T>(milliseconds: number, body: () => Promise<T>): Promise<T> {
  const outer = callSignal();
  const limit = AbortSignal.timeout(milliseconds);
  return limited.run(outer ? AbortSignal.any([outer, limit]) : limit, body);
}

/** Lets the calls of drivers that `body` makes go on though their activity has ended, for so long. */
export const afterwards = <T>(milliseconds: number, body: () => Promise<T>): Promise<T> =>
  limited.run(AbortSignal.timeout(milliseconds), body);

/** When calls of drivers have to end: with the activity that makes them, or earlier; some are made outside of one. */
export const callSignal = (): AbortSignal | undefined =>
  limited.getStore() ?? asyncLocalStorage.getStore()?.cancellationSignal;
