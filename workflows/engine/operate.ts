import {
  CancellationScope,
  continueAsNew,
  log,
  patched,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import { pauseSignal, progressQuery, requestsQuery, stopSignal } from '../messages.js';
import type { ClusterFacts, OperationInput, Outcome } from '../model/operation.js';
import type { SettingName, Settings } from '../model/settings.js';
import { bookkeeping, claiming, stubsFor, surveying, type Act } from '../stubs.js';
import { evidenceOf } from './evidence.js';
import { describeFailure } from './failure.js';
import { Runner } from './runner.js';
import type { Item } from './step.js';

/** What makes one operation: its list, and the setting that bounds it. */
export interface Operation {
  limit: SettingName;
  steps(facts: ClusterFacts, settings: Settings): Item<Act>[];
}

/** Past this length of its history an operation goes on in a new run, built from facts again; Temporal ends one at 51,200. */
const MOST_EVENTS = 6000;

const STATE = defineSearchAttributeKey('CksState', 'KEYWORD');

const MARKS = {
  pending: '·',
  running: '▶',
  done: '✓',
  skipped: '–',
  failed: '✗',
  undoing: '↩',
  undone: '↺',
  leftover: '!',
};

/**
 * Runs an operation from claim to rest. Whatever goes wrong inside, mistakes of this code included, the cluster's state, the
 * operation and its job are settled.
 */
export async function operate(
  { operationId, queue, ended, stop: asked, pausedSeconds = 0 }: OperationInput,
  operation: Operation,
  mostEvents = MOST_EVENTS,
): Promise<Outcome | 'not claimed'> {
  let runner: Runner<Act> | undefined;
  let paused = false;
  let stop = asked;
  setHandler(progressQuery, () => ({
    percent: runner?.percent ?? 0,
    paused,
    lines: runner?.lines.map(({ title, line }) => ({ title, state: runner!.states[line]! })) ?? [],
  }));
  setHandler(requestsQuery, () => ({ paused: runner?.paused ?? paused, stop: stop ?? null }));
  setHandler(pauseSignal, (on) => {
    paused = on;
    if (!runner) return;
    runner.paused = on;
    showRunning(runner);
  });
  setHandler(stopSignal, (request) => {
    stop ??= request;
    runner?.requestStop(request);
  });

  const claimed = await CancellationScope.nonCancellable(() =>
    claiming.claim(operationId, workflowInfo().continuedFromExecutionRunId, queue?.name),
  );
  if (claimed === null) return 'not claimed';
  const { claim } = claimed;
  let outcome: Outcome;
  let goesOn = false;
  try {
    // The worker that claims may be none that reaches the zone's hosts.
    const facts =
      queue && claim.attempt > 1 ? await surveying(queue).survey(operationId, claim.clusterId) : claimed.facts;
    runner = new Runner<Act>({
      items: operation.steps(facts, claim.settings),
      stubs: stubsFor(claim.clusterId, operationId, queue),
      limit: {
        seconds: Math.max(1, Number(claim.settings[operation.limit]) - claim.elapsedSeconds + pausedSeconds),
        setting: operation.limit,
      },
      begun: claim.begun,
      done: claim.done,
      ...(ended && { ended }),
      isLong: () => workflowInfo().historyLength > mostEvents,
      changed: () => showRunning(runner!),
    });
    await bookkeeping.recordPlan(operationId, runner.lines);
    runner.paused = paused || claim.paused;
    stop ??= claim.stop ?? undefined;
    showDetails(runner);
    if (stop) runner.requestStop(stop);
    outcome = claim.mode === 'undo' ? await runner.undo() : await runner.run();
    goesOn = runner.goesOn;
  } catch (error) {
    log.error('the operation failed outside its steps', { error });
    const { code, message } = describeFailure(error, 0);
    outcome = { end: 'failed', fault: code, reason: message, leftovers: [], failedLines: [], leftoverLines: [] };
  }
  if (goesOn)
    return continueAsNew<(input: OperationInput) => Promise<Outcome>>({
      operationId,
      ...(queue && { queue }),
      ended: runner!.endedSteps,
      pausedSeconds: pausedSeconds + runner!.pausedSeconds,
      ...(runner!.stop && { stop: runner!.stop }),
    });
  if (runner && outcome.end === 'failed') {
    const { lines } = runner;
    const failed = outcome.failedLines.flatMap(({ line }) => lines[line] ?? []);
    const evidence = await CancellationScope.nonCancellable(() => evidenceOf(operationId, failed, queue));
    if (evidence !== undefined) outcome = { ...outcome, evidence };
  }
  if (runner) showDetails(runner, outcome);
  await CancellationScope.nonCancellable(() => bookkeeping.settle(operationId, outcome));
  // A run completes however its operation ends: this is what ended ones are searched by.
  if (patched('state-attribute')) upsertSearchAttributes([{ key: STATE, value: outcome.end }]);
  return outcome;
}

/** While steps run, the details are how far it is and what runs: cheap enough to be written at every step. */
function showRunning(runner: Runner<Act>): void {
  setCurrentDetails(
    `**${runner.percent} %**${runner.paused ? ', paused: no further step begins' : ''}\n\n${runner
      .running()
      .map((title) => `- ${MARKS.running} ${title}`)
      .join('\n')}`,
  );
}

/** Puts the list into the run's details, where the Temporal Web UI shows it. */
function showDetails(runner: Runner<Act>, outcome?: Outcome): void {
  const list = runner.lines
    .slice(0, 400)
    .map(({ title, line, skip }) => `- ${MARKS[runner.states[line]!]} ${title}${skip === null ? '' : ` (${skip})`}`);
  setCurrentDetails(
    [outcome ? `**${outcome.end}** ${outcome.reason ?? ''}` : `**${runner.percent} %**`, '', ...list].join('\n'),
  );
}
