import type { NodeRoleName } from '../../workflows/model/operation.js';
import type { Settings } from '../../workflows/model/settings.js';

/** What `cks-node install` is told: version, role, and how often and how patiently it looks for the medium. Etcd nodes count as control nodes. */
export function installInput(role: NodeRoleName, version: string, settings: Settings): Record<string, string> {
  const as = role === 'worker' ? 'worker' : 'control';
  return {
    version,
    role,
    attempts: String(settings[`cloud.kubernetes.${as}.node.install.reattempt.count`]),
    wait_seconds: String(settings[`cloud.kubernetes.${as}.node.install.attempt.wait.duration`]),
  };
}
