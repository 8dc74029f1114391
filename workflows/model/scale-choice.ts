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

/** True when a running machine can take on the size as far as its own maximum goes. */
export const fitsLive = (node: NodeFacts, size: OfferingSize): boolean =>
  node.maxCpus >= size.cpus && node.maxRamMb >= size.ramMb;

/** What hosts have left for machines that grow where they are; those on one host share it. */
export class GrowthRoom {
  readonly #free = new Map<string | null, { cpus: number; ramMb: number }>();
  readonly #succeeded: ReadonlySet<unknown>;

  /** `leaving`: machines that are gone by then. */
  constructor({ nodes }: Pick<ClusterFacts, 'nodes'>, leaving: readonly NodeFacts[]) {
    this.#succeeded = new Set(nodes.flatMap(({ addedNow, replaces }) => (addedNow && replaces) || []));
    for (const { hostId, room } of nodes)
      if (room) this.#free.set(hostId, { cpus: room.freeCpus, ramMb: room.freeRamMb });
    for (const { hostId, room } of leaving) if (room) this.#take(hostId, -room.cpus, -room.ramMb);
  }

  /** Sets aside what a machine will need that cannot go elsewhere. */
  keep(node: NodeFacts, size: OfferingSize): void {
    const { cpus, ramMb } = growth(node, size);
    this.#take(node.hostId, cpus, ramMb);
  }

  /**
   * Whether the machine grows where it is; then the room is taken. What was begun stays as it was chosen, whatever room there is by now: a
   * machine that holds its new size already needs no more, and one that has a successor goes.
   */
  take(node: NodeFacts, size: OfferingSize): boolean {
    if (!fitsLive(node, size) || this.#succeeded.has(node.machineId)) return false;
    const { cpus, ramMb } = growth(node, size);
    const free = this.#free.get(node.hostId);
    if (free && cpus + ramMb > 0 && (cpus > free.cpus || ramMb > free.ramMb)) return false;
    this.keep(node, size);
    return true;
  }

  #take(hostId: string | null, cpus: number, ramMb: number): void {
    const free = this.#free.get(hostId);
    if (!free) return;
    free.cpus -= cpus;
    free.ramMb -= ramMb;
  }
}

/** What a machine needs of its host beyond what it holds. */
const growth = ({ room }: NodeFacts, size: OfferingSize) => ({
  cpus: room ? Math.max(0, size.cpus - room.cpus) : 0,
  ramMb: room ? Math.max(0, size.ramMb - room.ramMb) : 0,
});
