import { ApplicationFailure } from '@temporalio/common';
import { FAULTS, type FaultCode } from './faults.js';

/**
 * A failure with a code of the fault table. `facts` must never hold a secret: it is kept in the history and shown.
 */
export function fault(code: FaultCode, message: string, facts: Record<string, unknown> = {}): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message, details: [facts], nonRetryable: !FAULTS[code].retry });
}

/** The text of any thrown value, its causes included, on one line. */
export function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : ` (${textOf(error.cause)})`;
  return `${error.message}${cause}`.replace(/\s+/g, ' ');
}
