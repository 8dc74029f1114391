import { h, type Child } from '../dom.js';
import type { Item } from '../api.js';
import { spanText } from '../words.js';

const MARK: Record<string, string> = {
  pending: '○', running: '◐', done: '●', skipped: '–', failed: '✕', undoing: '↶', undone: '↶', leftover: '!',
}; // prettier-ignore

/** A nested list of steps; those of a plan have no state yet. */
export function stepList(steps: readonly Item[]): HTMLElement {
  return h('ol', { class: 'steps' }, steps.map(stepLine));
}

/** `12 steps`, those of groups counted, the groups not. */
export function stepCount(steps: readonly Item[]): string {
  const count = (list: readonly Item[]): number =>
    list.reduce((sum, { steps: inner = [] }) => sum + ((inner as Item[]).length > 0 ? count(inner as Item[]) : 1), 0);
  const all = count(steps);
  return all === 1 ? '1 step' : `${all} steps`;
}

function stepLine(step: Item, index: number): HTMLElement {
  const state = step.state === undefined ? undefined : String(step.state);
  const inner = (step.steps ?? []) as Item[];
  const facts: Child[] = [
    inner.length > 0 &&
      state !== undefined &&
      `${inner.filter((each) => each.state === 'done' || each.state === 'skipped').length}/${inner.length}`,
    state === 'running' && inner.length === 0 && spanText(step.started, undefined),
    step.ended !== undefined && spanText(step.started, step.ended),
    Number(step.attempts ?? 0) > 1 && h('span', { class: 'warn-text' }, `attempt ${step.attempts}`),
  ];
  const mark = h('span', { class: 'mark', 'aria-hidden': 'true' }, state === undefined ? '○' : (MARK[state] ?? '○'));
  return h(
    'li',
    { key: index, class: `step ${state ?? 'planned'}`, 'data-state': state },
    h(
      'div',
      {},
      mark,
      h('span', { class: 'what' }, String(step.title)),
      state !== undefined && state !== 'done' && h('span', { class: 'state' }, state),
      ...facts.filter(Boolean).map((fact) => h('span', { class: 'fact' }, fact)),
    ),
    step.skip !== undefined && h('p', { class: 'note' }, `Skipped: ${String(step.skip)}`),
    step.note !== undefined &&
      h('p', { class: state === 'failed' || state === 'leftover' ? 'note bad-text' : 'note' }, String(step.note)),
    inner.length > 0 && stepList(inner),
  );
}
