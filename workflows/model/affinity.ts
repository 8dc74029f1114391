import type { NodeRoleName } from './operation.js';

/** What belonging to a group says about hosts: the same as its other machines', or none of theirs. */
export interface GroupRule {
  kind: 'affinity' | 'anti-affinity';
  /** A strict rule refuses a host; the others only prefer one. */
  strict: boolean;
}

/** Types of affinity groups that users may make, with their rule. */
export const AFFINITY_TYPES: Readonly<Record<string, GroupRule>> = {
  'host affinity': { kind: 'affinity', strict: true },
  'host anti-affinity': { kind: 'anti-affinity', strict: true },
  'non-strict host affinity': { kind: 'affinity', strict: false },
  'non-strict host anti-affinity': { kind: 'anti-affinity', strict: false },
};
/** The type of the group that stands for a dedication; made and removed with it. */
export const DEDICATION_TYPE = 'ExplicitDedication';
/** What its name begins with; no other group's does. */
export const DEDICATION_NAME = 'DedicatedGrp-';

/** Node types as `kubernetes_cluster_affinity_group_map` and the wire write them. */
export const NODE_TYPE_OF: Readonly<Record<NodeRoleName, string>> = { control: 'CONTROL', worker: 'WORKER', etcd: 'ETCD' }; // prettier-ignore

/** Group ids per role. */
export type RoleGroups = Partial<Record<NodeRoleName, readonly string[]>>;

/**
 * `nodeaffinitygroups[i].node` and `.affinitygroup` (comma-separated ids), as `api.md` §2.12 has them; or why they cannot be taken.
 */
export function readRoleGroups(
  entries: readonly Readonly<Record<string, string | undefined>>[],
): { groups: RoleGroups } | { problem: string } {
  const groups: Partial<Record<NodeRoleName, string[]>> = {};
  for (const { node = '', affinitygroup = '' } of entries) {
    const role = node.toLowerCase();
    if (role !== 'control' && role !== 'worker' && role !== 'etcd')
      return { problem: `nodeaffinitygroups: node must be control, worker or etcd, found "${node}"` };
    if (groups[role]) return { problem: `nodeaffinitygroups: ${role} is named twice` };
    const ids = affinitygroup.split(',').map((id) => id.trim().toLowerCase()); // prettier-ignore
    const named = [...new Set(ids.filter(Boolean))];
    if (named.length === 0)
      return {
        problem: `nodeaffinitygroups: every entry needs node and affinitygroup, found node=${node} affinitygroup=`,
      };
    groups[role] = named;
  }
  return { groups };
}
