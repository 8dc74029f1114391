export { createCluster } from './create-cluster.js';
export { deleteCluster } from './delete-cluster.js';
export { scanOperations } from './scan-operations.js';
