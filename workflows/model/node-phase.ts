/** How far a node has come; each is recorded once it is confirmed, and only ever moves on (`db/nodes.ts` `advanceNode`). */
export const NODE_PHASES = ['reserved', 'defined', 'started', 'reachable', 'installed', 'joined', 'ready'] as const;
export type NodePhase = (typeof NODE_PHASES)[number];
