import { operate, type Operation } from './engine/operate.js';
import type { OperationInput } from './model/operation.js';
import { createClusterSteps } from './steps/create-cluster.js';

const operation: Operation = { limit: 'cloud.kubernetes.cluster.start.timeout', steps: createClusterSteps };

export async function createCluster(input: OperationInput) {
  return operate(input, operation);
}
