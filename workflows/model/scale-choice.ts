import type { ClusterFacts, NodeFacts, OfferingSize } from './operation.js';

export interface Growth {
  /** Workers that the operation makes: those it has begun, and how many more. */
  begun: NodeFacts[];
  more: number;
  leaving: NodeFacts[];
}

/**
 * Which workers come and go (`behaviour.md` §5.6). Without ids the newest of our own leave, never an external one; a further
 * attempt finds the same ones, since their rows tell.
 */
export function chooseWorkers(facts: Pick<ClusterFacts, 'nodes' | 'request'>): Growth {
  const { size, machineIds } = facts.request;
  const workers = facts.nodes.filter(({ role }) => role === 'worker');
  const there = new Set(workers.map(({ machineId }) => machineId));
  // Two that stand for one: the one that is to leave counts until it has.
  const own = workers
    .filter(({ external, replaces }) => !external && !(replaces && there.has(replaces)))
    .sort((a, b) => a.index - b.index);
  const begun = own.filter(({ addedNow, replaces }) => addedNow && !replaces);
  if (machineIds !== undefined && machineIds.length > 0)
    return {
      begun,
      more: 0,
      leaving: facts.nodes.filter((node) => machineIds.includes(node.machineId) && !node.external),
    };
  if (size === undefined) return { begun: [], more: 0, leaving: [] };
  const wanted = Math.max(0, size - workers.filter(({ external }) => external).length);
  if (own.length <= wanted) return { begun, more: wanted - own.length, leaving: [] };
  return { begun: [], more: 0, leaving: own.slice(wanted).reverse() };
}

/** True when a running machine can take on the size without being replaced. */
export const fitsLive = (node: NodeFacts, size: OfferingSize): boolean =>
  node.maxCpus >= size.cpus && node.maxRamMb >= size.ramMb;
