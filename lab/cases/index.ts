import { cancelledCreate, cancelledUpgrade } from './cancel.js';
import type { LabCase } from './case.js';
import { ownNetwork } from './cni.js';
import { lostControl } from './control.js';
import { createAndDelete, killedInCreate } from './create.js';
import { dedicatedEtcd } from './etcd.js';
import { evidenceOfFailure } from './evidence.js';
import { externalMachine } from './external.js';
import { killedAtRandom, killedInTheRest } from './kills.js';
import { scaleUpAndDown, stopAndStart, upgradeWithBudget } from './lifecycle.js';
import { metadataPolicy } from './metadata-policy.js';
import { privateRegistry } from './registry.js';
import { everyVerb } from './verbs.js';

/** In the order in which they run. */
export const CASES: readonly LabCase[] = [
  createAndDelete,
  killedInCreate,
  stopAndStart,
  scaleUpAndDown,
  externalMachine,
  upgradeWithBudget,
  cancelledCreate,
  evidenceOfFailure,
  cancelledUpgrade,
  dedicatedEtcd,
  ownNetwork,
  privateRegistry,
  metadataPolicy,
  lostControl,
  killedAtRandom,
  ...killedInTheRest,
  everyVerb,
];
