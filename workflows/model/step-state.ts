/** States of a step's line. `leftover`: its undo failed for good. */
export type StepState = 'pending' | 'running' | 'done' | 'skipped' | 'failed' | 'undoing' | 'undone' | 'leftover';
