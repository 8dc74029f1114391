import { z } from 'zod';
import type { Disk } from './disk.js';
import { Shelf } from './disk.js';

export const AREAS = ['hypervisor', 'gateway', 'node', 'kubernetes'] as const;
export type Area = (typeof AREAS)[number];

/** Something that a part of the zone is asked to do, or has done. */
export interface Action {
  on: Area;
  /** `domain.define`, `node.join`, … */
  kind: string;
  /** Name of the thing, chosen by the caller. */
  key: string;
  /** Host name of the node it concerns. */
  node?: string;
  /** Hypervisor host. */
  host?: string;
  /** Id of the Kubernetes cluster, for calls of its API. */
  cluster?: string;
  /** Id of the network, where the key is something else. */
  network?: string;
  /** Only looks: a fault has to name its kind or host, so that it is not used up by a probe. */
  observes?: boolean;
}

export const faultSchema = z.strictObject({
  on: z.enum(AREAS),
  match: z.string().min(1),
  /** Only actions whose key, node, host, cluster or network has this text too. */
  of: z.string().min(1).optional(),
  kind: z.enum(['fail', 'failForGood', 'hang', 'loseReply', 'drop', 'slow']),
  times: z.int().min(1).default(1),
});
export type Fault = z.infer<typeof faultSchema>;
export type FaultKind = Fault['kind'];

/** A fault as it shows: `retry` says whether the same call may pass later. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly retry: boolean,
  ) {
    super(message);
  }
}

/** Faults that were switched on, each used up by the actions that match it. */
export class Faults {
  private readonly shelf: Shelf<Fault & { id: number }>;
  private last: number;

  constructor(disk: Disk) {
    this.shelf = new Shelf(disk, 'fault');
    this.last = Math.max(0, ...this.list().map((one) => one.id));
  }

  list(): (Fault & { id: number })[] {
    return this.shelf.values().sort((a, b) => a.id - b.id);
  }

  add(wanted: Fault): Fault & { id: number } {
    const added = { id: ++this.last, ...wanted };
    this.shelf.put(String(added.id), added);
    return added;
  }

  /** Takes away all of them, or the one with the id. Returns how many. */
  clear(id?: string): number {
    const keys = this.shelf.keys().filter((key) => id === undefined || key === id);
    for (const key of keys) this.shelf.delete(key);
    return keys.length;
  }

  /** The oldest fault that fits the action, one use of it taken. */
  take(action: Action): FaultKind | undefined {
    const texts = action.observes ? [action.kind, action.host] : [action.kind, action.key, action.node, action.host];
    const owners = [action.key, action.node, action.host, action.cluster, action.network];
    const hit = this.list().find(
      ({ on, match, of }) =>
        on === action.on &&
        texts.some((text) => text?.includes(match)) &&
        (of === undefined || owners.some((text) => text?.includes(of))),
    );
    if (!hit) return undefined;
    const key = String(hit.id);
    if (hit.times > 1) this.shelf.put(key, { ...hit, times: hit.times - 1 });
    else this.shelf.delete(key);
    return hit.kind;
  }
}
