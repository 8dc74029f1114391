import type { LabWorld } from '../world.js';

/** One thing that is proven on real nodes. */
export interface LabCase {
  name: string;
  /** What a user of the product relies on, proven when the case passes. `scripts/features.ts` names the case where it is a feature's proof. */
  features: readonly string[];
  /** Part of what CI runs. */
  core?: boolean;
  /** A second version's medium is needed. */
  next?: boolean;
  /** Programs that no other case needs. */
  needs?: readonly string[];
  run(world: LabWorld, say: (line: string) => void): Promise<void>;
}
