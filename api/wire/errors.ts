import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { FAULTS, isFaultCode, type FaultRule } from '../../workflows/model/faults.js';
import { wrapsFaults, type Command, type Role } from '../command.js';

/**
 * An error that is answered exactly so, also inside CKS commands. A `fault()` thrown by a handler is answered by the fault
 * table, or as 530 with its message inside CKS commands.
 */
export class WireError extends Error {
  constructor(
    readonly status: number,
    /** `cserrorcode`; omitted on authentication refusals. */
    readonly cs: number | undefined,
    text: string,
    /** Outer key when it is not the command's own. */
    readonly envelope?: string,
  ) {
    super(text);
  }
}

export const UNVERIFIED = 'unable to verify user credentials and/or request signature';
export const NO_ACCESS = 'Caller does not have permission to operate with provided resource.';
const INTERNAL = 'Internal error executing command, please contact your system administrator';

export const badParameter = (text: string, cs = 9999): WireError => new WireError(431, cs, text);
export const unauthorized = (text = UNVERIFIED, envelope?: string): WireError =>
  new WireError(401, undefined, text, envelope);

export interface ErrorAnswer {
  status: number;
  cs?: number;
  text: string;
  envelope?: string;
}

const faultOf = (error: unknown): { rule: FaultRule; text: string } | undefined => {
  if (!(error instanceof Error)) return undefined;
  const code = (error as { type?: unknown }).type;
  return isFaultCode(code) && code !== 'Internal' ? { rule: FAULTS[code], text: error.message } : undefined;
};

/** The one place that turns anything thrown into what the client sees. Unknown errors are logged under an id and never shown. */
export function answerFor(
  error: unknown,
  command: Command | undefined,
  role: Role | undefined,
  log: Logger,
): ErrorAnswer {
  if (error instanceof WireError) {
    return { status: error.status, cs: error.cs, text: error.message, envelope: error.envelope };
  }
  const known = faultOf(error);
  if (!known) {
    const id = randomUUID();
    log.error({ err: error, errorId: id, command: command?.name }, 'unexpected error while answering a request');
    return { status: 530, cs: 4250, text: `${INTERNAL} (${id})` };
  }
  if (command && wrapsFaults(command)) return { status: 530, cs: 9999, text: known.text };
  const { wire, cs } = known.rule;
  const hidden = [530, 533, 534].includes(wire) && role !== 'A';
  return { status: wire, cs: cs || undefined, text: hidden ? INTERNAL : known.text };
}
