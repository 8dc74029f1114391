import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import { isFaultCode, type FaultCode } from '../model/faults.js';

export interface Failure {
  code: FaultCode;
  message: string;
}

const TIMEOUTS: Record<string, string> = {
  HEARTBEAT: 'its worker stopped answering',
  START_TO_CLOSE: 'one attempt took longer than the limit of the step',
  SCHEDULE_TO_CLOSE: 'it took longer than the limit of the step',
};

/** A failed step in words and with a code of the fault table, whatever was thrown. */
export function describeFailure(error: unknown, limitSeconds: number): Failure {
  let at: unknown = error;
  while (at instanceof ActivityFailure && at.cause) at = at.cause;
  if (at instanceof ApplicationFailure) {
    return { code: isFaultCode(at.type) ? at.type : 'Internal', message: at.message };
  }
  if (at instanceof TimeoutFailure) {
    if (at.timeoutType === 'SCHEDULE_TO_START')
      return { code: 'StepTimeout', message: 'no worker serves its zone: start one, with CKS_ZONES naming the zone' };
    const last = at.cause ? `; before that: ${at.cause.message}` : '';
    const what = TIMEOUTS[String(at.timeoutType)] ?? 'it timed out';
    return { code: 'StepTimeout', message: `${what} (${limitSeconds} s)${last}` };
  }
  return { code: 'Internal', message: at instanceof Error ? at.message : String(at) };
}
