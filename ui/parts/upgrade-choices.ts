import type { Item } from '../api.js';
import { byVersion } from '../words.js';

const parts = (version: unknown): number[] => String(version).split('.').map(Number);

/** Versions that a cluster can be upgraded to: enabled, with a medium that is ready, of the same minor or the next; the highest first. */
export function upgradeChoices(cluster: Item, versions: readonly Item[]): Item[] {
  const current = versions.find(({ id }) => id === cluster.kubernetesversionid)?.semanticversion as unknown;
  if (current === undefined) return [];
  const [major, minor = 0] = parts(current);
  return versions
    .filter(({ semanticversion, state, isostate, zoneid }) => {
      const [toMajor, toMinor = 0] = parts(semanticversion);
      const here = zoneid === undefined || zoneid === cluster.zoneid;
      const near = toMajor === major && toMinor <= minor + 1 && byVersion(semanticversion, current) > 0;
      return here && near && state === 'Enabled' && (isostate ?? 'Ready') === 'Ready';
    })
    .sort((a, b) => byVersion(b.semanticversion, a.semanticversion));
}
