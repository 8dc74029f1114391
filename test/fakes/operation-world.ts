import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import { buildActivities, registered } from '../../activities/index.js';
import type { Deps } from '../../activities/deps.js';
import type { Claim, ClusterFacts, NodeRef, Outcome, StepRef } from '../../workflows/model/operation.js';
import type { PlanLine } from '../../workflows/model/plan.js';
import type { OperationKind } from '../../workflows/model/states.js';
import { DEFAULT_SETTINGS, type Settings } from '../../workflows/model/settings.js';

export interface Call {
  activity: string;
  title: string;
  undo: boolean;
  end?: 'done' | 'failed' | 'cancelled';
}

export type Trouble = 'failForGood' | 'failTwice' | 'hang' | 'failWhenStopped';

/** One in-memory world behind all step activities and the bookkeeping of one operation, with faults to switch on by a step's title. */
export class OperationWorld {
  readonly calls: Call[] = [];
  readonly outcomes: Outcome[] = [];
  lines: PlanLine[] = [];
  claim: Claim;
  readonly troubles = new Map<string, Trouble>();
  readonly undoTroubles = new Set<string>();
  /** Called when an activity begins. */
  onBegin: (call: Call) => void | Promise<void> = () => undefined;
  busy = 0;
  busiest = 0;

  constructor(
    readonly facts: ClusterFacts,
    settings: Partial<Settings> = {},
    kind: OperationKind = 'create',
  ) {
    this.claim = {
      clusterId: facts.clusterId, kind, mode: 'run', attempt: 1, settings: { ...DEFAULT_SETTINGS, ...settings }, stop: null, paused: false, begun: [], done: [], elapsedSeconds: 0,
    }; // prettier-ignore
  }

  /** All activities that the worker registers in production, each played by this world. */
  activities(): Record<string, (...args: never[]) => Promise<unknown>> {
    return playedBy(() => this);
  }

  /** Titles of steps that were begun, in order, without undos. */
  begun(): string[] {
    return this.calls.filter(({ undo }) => !undo).map(({ title }) => title);
  }

  undone(): string[] {
    return this.calls.filter(({ undo, end }) => undo && end === 'done').map(({ title }) => title);
  }

  async play(activity: string, ref: StepRef, _args: unknown[]): Promise<unknown> {
    const title = this.lines[ref.line]?.title ?? '';
    const call: Call = { activity, title, undo: ref.undo };
    this.calls.push(call);
    this.busiest = Math.max(this.busiest, ++this.busy);
    try {
      await this.onBegin(call);
      const trouble = this.troubles.get(title);
      if (ref.undo && this.undoTroubles.has(title))
        throw ApplicationFailure.nonRetryable('the thing is stuck', 'HypervisorRefused');
      if (!ref.undo && trouble === 'failForGood') throw ApplicationFailure.nonRetryable('it is broken', 'NodeRefused');
      if (!ref.undo && trouble === 'failTwice' && Context.current().info.attempt <= 2)
        throw ApplicationFailure.retryable('not yet', 'NodeFailed');
      if (!ref.undo && trouble === 'hang') await hang();
      if (!ref.undo && trouble === 'failWhenStopped')
        await hang().catch(() => {
          throw ApplicationFailure.nonRetryable('it is broken', 'NodeRefused');
        });
      call.end = 'done';
      return activity === 'store.reserveNodes' ? [] : undefined;
    } catch (error) {
      call.end = error instanceof CancelledFailure ? 'cancelled' : 'failed';
      throw error;
    } finally {
      this.busy--;
    }
  }
}

/** All activities that the worker registers in production, each played by the world of its operation. */
export function playedBy(
  worldOf: (operationId: string) => OperationWorld,
): Record<string, (...args: never[]) => Promise<unknown>> {
  const names = Object.keys(registered(buildActivities({} as Deps))).filter((name) => name.includes('.'));
  const played = names.map(
    (name) => [name, (ref: StepRef, ...args: unknown[]) => worldOf(ref.operationId).play(name, ref, args)] as const,
  );
  return {
    ...(Object.fromEntries(played) as Record<string, (...args: never[]) => Promise<unknown>>),
    claim: async (id: string) => {
      const world = worldOf(id);
      const begun = [...new Set([...world.claim.begun, ...world.begun()])];
      return { claim: { ...world.claim, begun }, facts: world.facts };
    },
    recordPlan: async (id: string, lines: PlanLine[]) => void (worldOf(id).lines = lines),
    collectEvidence: async (_id: string, nodes: readonly NodeRef[]) =>
      nodes.map(({ role, index }) => `${role}-${index}: no unit has failed`).join('; '),
    settle: async (id: string, outcome: Outcome) => void worldOf(id).outcomes.push(outcome),
  };
}

/** Heartbeats until it is cancelled. */
/** Works until its run is cancelled. */
export async function hang(): Promise<never> {
  const context = Context.current();
  for (;;) {
    context.heartbeat();
    await context.sleep(50);
  }
}
