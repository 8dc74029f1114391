import type { Item } from '../engine/step.js';
import type { ClusterFacts } from '../model/operation.js';
import type { SettingName, Settings } from '../model/settings.js';
import type { OperationKind } from '../model/states.js';
import type { Act } from '../stubs.js';
import { createClusterSteps } from './create-cluster.js';
import { deleteClusterSteps } from './delete-cluster.js';
import { addNodesSteps, removeNodesSteps } from './external-nodes.js';
import { renewClusterSteps, startClusterSteps, stopClusterSteps } from './power.js';
import { replaceNodeSteps } from './replace-node.js';
import { scaleClusterSteps, scaleStoppedSteps } from './scale-cluster.js';
import { upgradeClusterSteps } from './upgrade-cluster.js';

export interface OperationList {
  /** The setting that bounds an attempt. */
  limit: SettingName;
  /** Pure: the same facts and settings give the same list, for the run and for the plan. */
  steps(facts: ClusterFacts, settings: Settings): Item<Act>[];
}

/** What makes each operation. `stop` and `delete` have no setting of their own in the original: they are bounded as a start is. */
export const LISTS: Record<OperationKind, OperationList> = {
  create: { limit: 'cloud.kubernetes.cluster.start.timeout', steps: createClusterSteps },
  start: { limit: 'cloud.kubernetes.cluster.start.timeout', steps: startClusterSteps },
  stop: { limit: 'cloud.kubernetes.cluster.start.timeout', steps: stopClusterSteps },
  scale: { limit: 'cloud.kubernetes.cluster.scale.timeout', steps: scaleClusterSteps },
  scaleStopped: { limit: 'cloud.kubernetes.cluster.scale.timeout', steps: scaleStoppedSteps },
  upgrade: { limit: 'cloud.kubernetes.cluster.upgrade.timeout', steps: upgradeClusterSteps },
  addNodes: { limit: 'cloud.kubernetes.cluster.add.node.timeout', steps: addNodesSteps },
  removeNodes: { limit: 'cloud.kubernetes.cluster.remove.node.timeout', steps: removeNodesSteps },
  replaceNode: { limit: 'cloud.kubernetes.cluster.scale.timeout', steps: replaceNodeSteps },
  renew: { limit: 'cloud.kubernetes.cluster.start.timeout', steps: renewClusterSteps },
  delete: { limit: 'cloud.kubernetes.cluster.start.timeout', steps: deleteClusterSteps },
};
