import type { FaultCode } from '../../../workflows/model/faults.js';

/**
 * A fault as the threads of the child throw it: plain, since it travels between threads and processes, and since the child then
 * needs nothing of Temporal. `facts` must hold no secret.
 */
export class HostFault extends Error {
  constructor(
    readonly code: FaultCode,
    message: string,
    readonly facts: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

export const refused = (message: string, facts: Record<string, unknown> = {}) =>
  new HostFault('HypervisorRefused', message, facts);
export const failed = (message: string, facts: Record<string, unknown> = {}) =>
  new HostFault('HypervisorFailed', message, facts);
