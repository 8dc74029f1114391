import { millis, type Db } from '../../db/knex.js';
import { readEvidence, type EvidenceFacts, type EvidenceRow } from '../../db/evidence.js';
import { readOperation } from '../../db/operations.js';
import { readSteps, usualSeconds } from '../../db/operations-list.js';
import type { OperationRow, StepRow } from '../../db/rows.js';
import { workflowIdOf } from '../../workflows/model/operation.js';
import { longestChain, USUAL_SECONDS } from '../../workflows/model/plan.js';
import { FAULTS, isFaultCode } from '../../workflows/model/faults.js';
import { fields, responseObject, type Context, type Fields } from '../command.js';
import { wireDate } from '../wire/dates.js';

const STEP = fields({
  title: ['string', 'what is done'],
  state: ['string', 'pending, running, done, skipped, failed, undoing, undone or leftover; of a group: how far its steps are'],
  skip: ['string', 'why there is nothing to do'],
  started: ['date', 'when it was begun first'],
  ended: ['date', 'when it ended'],
  attempts: ['integer', 'how often it was begun'],
  note: ['string', 'what went wrong with it last, or what it waits for'],
  steps: ['list', 'of a group: its steps'],
}); // prettier-ignore

export const OPERATION = responseObject('kubernetesclusteroperation', {
  id: ['string', 'the ID of the operation'],
  kubernetesclusterid: ['string', 'the ID of its Kubernetes cluster'],
  operation: ['string', 'create, delete, …'],
  attempt: ['integer', '1, or more after resumes'],
  state: ['string', 'queued, running, pausing, paused, cancelling, undoing, succeeded, failed or cancelled'],
  jobid: ['string', 'the ID of its job'],
  percent: ['integer', 'how much of its steps is done'],
  secondsleft: ['integer', 'expected seconds until it ends'],
  estimatebasis: ['string', 'what the estimate rests on'],
  reason: ['string', 'why it did not succeed'],
  lasterror: ['string', 'what went wrong last: the reason, or what a step is being tried again for'],
  fault: ['string', 'code of the fault table'],
  whocanfix: ['string', 'user, operator or service'],
  evidence: ['list', 'of a failed one: what nodes said about themselves, as {node, taken, units, kubelet, disk, …}'],
  leftovers: ['list', 'what a cancel could not take away'],
  temporalurl: ['string', 'the run in the Temporal Web UI'],
  created: ['date', 'when it was asked for'],
  ended: ['date', 'when it ended'],
  steps: ['list', 'its steps in order', STEP],
});

const isActive = (row: OperationRow) => row.ended === null;

function shownState(row: OperationRow, steps: StepRow[]): string {
  if (!isActive(row)) return row.state;
  if (row.stop_requested === 'cancel' && row.state === 'running') return 'cancelling';
  if (row.pause_requested === 1 && row.state === 'running')
    return steps.some((step) => step.state === 'running' && step.kind !== 'group') ? 'pausing' : 'paused';
  return row.state;
}

/** Operations with their steps as the wire shows them; three queries for all of them. */
export async function operationViews(db: Db, rows: OperationRow[], temporalUi: string, now: Date): Promise<Fields[]> {
  const all = await readSteps(db, rows.map(({ uuid }) => uuid)); // prettier-ignore
  const kinds = [
    ...new Set(all.filter((step) => step.state === 'pending' || step.state === 'running').map(({ kind }) => kind)),
  ];
  const usual = rows.some(isActive) ? await usualSeconds(db, kinds) : new Map<string, number>();
  const evidence = await readEvidence(db, rows.filter(({ state }) => state === 'failed').map(({ uuid }) => uuid)); // prettier-ignore
  return rows.map((row) => ({
    ...view(row, all.filter(({ operation_id }) => operation_id === row.uuid), usual, temporalUi, now),
    ...evidenceView(evidence.filter(({ operation_id }) => operation_id === row.uuid)),
  })); // prettier-ignore
}

function view(row: OperationRow, steps: StepRow[], usual: Map<string, number>, temporalUi: string, now: Date): Fields {
  const real = steps.filter(({ kind }) => kind !== 'group');
  const over = real.filter(({ state }) => state === 'done' || state === 'skipped').length;
  const expected = ({ kind }: StepRow) => usual.get(kind) ?? USUAL_SECONDS[kind] ?? 5;
  const left = (step: StepRow): number => {
    if (step.kind === 'group') return 0;
    if (step.state === 'pending') return expected(step);
    if (step.state !== 'running' || step.began === null) return 0;
    return Math.max(1, expected(step) - (now.getTime() - millis(step.began)) / 1000);
  };
  const chain = longestChain(
    steps.map((step) => ({ line: step.line, after: JSON.parse(step.after_lines) as number[], left: left(step) })),
  );
  const fault = isFaultCode(row.fault) ? FAULTS[row.fault] : undefined;
  return {
    id: row.uuid,
    kubernetesclusterid: row.cluster_id,
    operation: row.kind,
    attempt: row.attempt,
    state: shownState(row, steps),
    jobid: row.job_id,
    percent: row.state === 'succeeded' ? 100 : real.length === 0 ? 0 : Math.floor((100 * over) / real.length),
    ...(isActive(row) && {
      secondsleft: Math.ceil(chain),
      estimatebasis:
        usual.size > 0
          ? 'the longest chain of steps that are left, each as long as the median of its last 20 runs'
          : 'the longest chain of steps that are left, with usual durations: nothing was measured yet',
    }),
    ...(row.reason !== null && { reason: row.reason }),
    ...lastError(row, real),
    ...(row.fault !== null && { fault: row.fault, whocanfix: fault?.mend ?? 'service' }),
    ...(row.leftovers !== null && { leftovers: JSON.parse(row.leftovers) as string[] }),
    temporalurl: `${temporalUi}/workflows/${workflowIdOf(row.uuid)}`,
    created: wireDate(row.created),
    ...(row.ended !== null && { ended: wireDate(row.ended) }),
    steps: nested(steps, null),
  };
}

function evidenceView(rows: EvidenceRow[]): Fields {
  if (rows.length === 0) return {};
  const shown = ({ node, taken, facts }: EvidenceRow) => ({
    node,
    taken: wireDate(taken),
    ...(JSON.parse(facts) as EvidenceFacts),
  });
  return { evidence: rows.map(shown) };
}

function nested(steps: StepRow[], parent: number | null): Fields[] {
  return steps
    .filter((step) => step.parent === parent)
    .map((step) => {
      const inner = step.kind === 'group' ? nested(steps, step.line) : [];
      return {
        title: step.title,
        state: step.kind === 'group' ? groupState(inner) : step.state,
        ...(step.skip !== null && { skip: step.skip }),
        ...(step.began !== null && { started: wireDate(step.began) }),
        ...(step.ended !== null && { ended: wireDate(step.ended) }),
        ...(step.attempts > 0 && { attempts: step.attempts }),
        ...(step.note !== null && { note: step.note }),
        ...(step.kind === 'group' && { steps: inner }),
      };
    });
}

/** The reason of one that ended; of one that runs what its newest step with trouble said. */
function lastError(row: OperationRow, steps: StepRow[]): Fields {
  if (row.reason !== null && row.state !== 'succeeded') return { lasterror: row.reason };
  if (!isActive(row)) return {};
  const [last] = steps
    .filter(({ state, note, attempts }) => note !== null && attempts > 1 && state !== 'done' && state !== 'skipped')
    .sort((a, b) => String(b.began).localeCompare(String(a.began)));
  return last ? { lasterror: `${last.title}: ${last.note}` } : {};
}

/** A group is as far as its steps are. */
function groupState(inner: Fields[]): string {
  const states = new Set(inner.map(({ state }) => state));
  for (const state of ['failed', 'leftover', 'undoing', 'running']) if (states.has(state)) return state;
  if (states.has('pending')) return states.size === 1 ? 'pending' : states.has('undone') ? 'undone' : 'running';
  return states.has('undone') ? 'undone' : 'done';
}

/** One operation, for a job's result. */
export async function renderOperation(
  ctx: Pick<Context, 'db' | 'temporalUi' | 'now'>,
  operationId: string,
): Promise<Fields> {
  const row = await readOperation(ctx.db, operationId);
  if (!row) return { id: operationId };
  const [fields] = await operationViews(ctx.db, [row], ctx.temporalUi, ctx.now());
  return fields ?? { id: operationId };
}
