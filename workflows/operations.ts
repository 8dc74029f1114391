import { operate, type Operation } from './engine/operate.js';
import type { OperationInput } from './model/operation.js';
import type { OperationKind } from './model/states.js';
import { LISTS } from './steps/lists.js';

const of = (kind: OperationKind) => {
  const operation: Operation = LISTS[kind];
  return (input: OperationInput) => operate(input, operation);
};

/** One workflow per kind of operation. Their names are promises: recorded histories refer to them for ever. */
export const createCluster = of('create');
export const startCluster = of('start');
export const stopCluster = of('stop');
export const scaleCluster = of('scale');
export const scaleStoppedCluster = of('scaleStopped');
export const upgradeCluster = of('upgrade');
export const addNodes = of('addNodes');
export const removeNodes = of('removeNodes');
export const replaceNode = of('replaceNode');
export const renewCertificates = of('renew');
export const deleteCluster = of('delete');
