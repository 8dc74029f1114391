import type { Item } from '../api.js';
import { h } from '../dom.js';
import { notice } from './notice.js';
import { askWithPlan } from './plan-dialog.js';

/** Asks before a cluster is deleted. */
export function askDelete(cluster: Item, signal: AbortSignal, started: () => void): void {
  askWithPlan(
    {
      heading: `Delete cluster ${String(cluster.name)}?`,
      command: 'deleteKubernetesCluster',
      says: [
        h('p', {}, 'Its machines and everything stored on them are gone for good. A delete cannot be cancelled.'),
        cluster.operation !== undefined && notice('warn', `It is busy with "${String(cluster.operation)}": that is ended first, at its next safe point.`),
      ],
      parameters: () => ({ id: String(cluster.id) }),
      go: 'Delete for good',
      danger: true,
      started,
    },
    signal,
  ); // prettier-ignore
}
