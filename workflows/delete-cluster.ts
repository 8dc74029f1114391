import { operate, type Operation } from './engine/operate.js';
import type { OperationInput } from './model/operation.js';
import { deleteClusterSteps } from './steps/delete-cluster.js';

const operation: Operation = { limit: 'cloud.kubernetes.cluster.start.timeout', steps: deleteClusterSteps };

export async function deleteCluster(input: OperationInput) {
  return operate(input, operation);
}
