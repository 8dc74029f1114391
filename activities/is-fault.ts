import { ApplicationFailure } from '@temporalio/common';
import type { FaultCode } from '../workflows/model/faults.js';

export const isFault = (error: unknown, ...codes: FaultCode[]): boolean =>
  error instanceof ApplicationFailure && codes.some((code) => code === error.type);
