import { cancelledCreate, cancelledUpgrade } from './cancel.js';
import type { LabCase } from './case.js';
import { createAndDelete, killedInCreate } from './create.js';
import { externalMachine } from './external.js';
import { scaleUpAndDown, stopAndStart, upgradeWithBudget } from './lifecycle.js';

/** In the order in which they run. */
export const CASES: readonly LabCase[] = [
  createAndDelete,
  killedInCreate,
  stopAndStart,
  scaleUpAndDown,
  externalMachine,
  upgradeWithBudget,
  cancelledCreate,
  cancelledUpgrade,
];
