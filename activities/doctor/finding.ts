import type { Deps } from '../deps.js';

/** Something that disagrees. */
export interface Finding {
  /** Names the thing, and what was expected and found. */
  what: string;
  /** What a person does about it. */
  todo: string;
  /** Puts it right; only where nothing that somebody uses can be lost. Looks again before it acts. */
  fix?: () => Promise<void>;
}

/** A subject that is looked at as a whole. */
export interface Check {
  name: string;
  look(deps: Deps): Promise<Finding[]>;
}
