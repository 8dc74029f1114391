import type { VersionRef } from './operation.js';
import { isLocalUrl } from './scale-rules.js';
import { compareVersions } from './versions.js';

export interface UpgradeFacts {
  endpointUrl: string;
  current: VersionRef | null;
  /** Version that an upgrade which did not end has begun to bring in. */
  target: VersionRef | null;
  wanted:
    | { name: string; semantic: string; id: string; enabled: boolean; isoReady: boolean; minCpu: number; minRamMb: number; removed: boolean }
    | undefined; // prettier-ignore
  /** Offerings that nodes of the cluster have. */
  offerings: readonly { name: string; cpus: number; ramMb: number }[];
}

/** The rule of `api.md` §2.8 that an upgrade breaks first; undefined when it may go ahead. */
export function refuseUpgrade({ endpointUrl, current, target, wanted, offerings }: UpgradeFacts): string | undefined {
  if (isLocalUrl(endpointUrl))
    return `The setting endpoint.url is "${endpointUrl}", which nodes cannot reach: set it to an address of this API that they can`;
  if (!wanted || wanted.removed) return 'Invalid Kubernetes version: kubernetesversionid must name a supported version';
  if (!wanted.enabled)
    return `Kubernetes version ${wanted.name} is not enabled: expected state Enabled, found Disabled`;
  const smallest = offerings.find(({ cpus, ramMb }) => cpus < wanted.minCpu || ramMb < wanted.minRamMb);
  if (smallest)
    return `Service offering ${smallest.name} has ${smallest.cpus} CPUs and ${smallest.ramMb} MB: Kubernetes version ${wanted.name} needs ${wanted.minCpu} and ${wanted.minRamMb}`;
  if (!wanted.isoReady) return `The medium of Kubernetes version ${wanted.name} is not ready: expected isostate Ready`;
  if (!current) return 'The cluster has no Kubernetes version';
  if (target && target.id !== wanted.id)
    return `MixedVersions: an upgrade to ${target.semantic} has begun and did not end; finish it (upgrade to ${target.semantic} again, or resume it) before another`;
  const [major = 0, minor = 0] = current.semantic.split('.').map(Number);
  const [toMajor = 0, toMinor = 0] = wanted.semantic.split('.').map(Number);
  if (compareVersions(wanted.semantic, current.semantic) < 0)
    return `Kubernetes ${wanted.semantic} is lower than ${current.semantic}, which the cluster has: it can only go up`;
  if (toMajor !== major || toMinor > minor + 1)
    return `Kubernetes can be upgraded to a patch of the same minor or to the next minor: from ${current.semantic} not to ${wanted.semantic}`;
  return undefined;
}
