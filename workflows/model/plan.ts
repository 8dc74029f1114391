/** A line of an operation's list as it is stored, shown and hashed. Lines are numbered depth first, from 0. */
export interface PlanLine {
  line: number;
  parent: number | null;
  title: string;
  kind: string;
  skip: string | null;
  /** Lines that must end before this one begins. */
  after: number[];
}

export interface TimedLine {
  line: number;
  after: number[];
  /** Seconds still expected: 0 for a line that has ended. */
  left: number;
}

/** Seconds until the last line ends when every line begins as soon as those before it have ended: the longest chain. */
export function longestChain(lines: readonly TimedLine[]): number {
  const ends = new Map<number, number>();
  for (const { line, after, left } of [...lines].sort((a, b) => a.line - b.line)) {
    ends.set(line, left + Math.max(0, ...after.map((before) => ends.get(before) ?? 0)));
  }
  return Math.max(0, ...ends.values());
}

/** Seconds a step of each kind is expected to take before any was measured. */
export const USUAL_SECONDS: Record<string, number> = {
  'store.reserve': 1, 'store.keys': 1, 'network.address': 2, 'network.gateway': 30, 'machine.volume': 10, 'machine.define': 5,
  'machine.start': 15, 'machine.ssh': 20, 'machine.remove': 15, 'medium.eject': 3, 'node.install': 90, 'node.init': 60,
  'node.kubeconfig': 1, 'node.join.control': 40, 'node.join.worker': 20, 'node.ready': 30, 'kubernetes.api': 5,
  'kubernetes.protect': 1, 'network.remove': 10, 'network.withdraw': 5, 'store.release': 1, 'store.forget': 1,
}; // prettier-ignore
