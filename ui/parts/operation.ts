import { start, type Item } from '../api.js';
import { h, type Child } from '../dom.js';
import { dateText, durationText, spanText, title } from '../words.js';
import { badge } from './badge.js';
import { openDialog } from './dialog.js';
import { attempt } from './notice.js';
import { stepCount, stepList } from './steps.js';

/** What a part that acts needs of its view. */
export interface Acting {
  signal: AbortSignal;
  changed: () => void;
}

const MENDER: Record<string, string> = {
  user: 'You can fix this yourself; then resume.',
  operator: 'The operator of this service can fix this; then resume.',
  service: 'The mistake is in the service itself: resume, and report it if it comes back.',
};

/** What may be done to an operation in its state; only the newest of a cluster takes buttons. */
export function actionsOf({ state, operation, fault }: Item): { verb: string; text: string; danger?: boolean }[] {
  const cancel = operation === 'delete' ? [] : [{ verb: 'cancel', text: 'Cancel', danger: true }];
  if (state === 'paused' || state === 'pausing') return [{ verb: 'resume', text: 'Resume' }, ...cancel];
  if (state === 'queued' || state === 'running') return [{ verb: 'pause', text: 'Pause' }, ...cancel];
  if (state !== 'failed' || fault === 'Superseded') return [];
  return [{ verb: 'resume', text: 'Resume' }, ...cancel.map((each) => ({ ...each, text: 'Undo' }))];
}

function buttons(operation: Item, changed: () => void, signal: AbortSignal): HTMLElement {
  const command = (verb: string) => start(`${verb}KubernetesClusterOperation`, { id: String(operation.id) });
  const act = (verb: string) => (event: MouseEvent) => {
    const button = event.currentTarget as HTMLButtonElement;
    if (verb === 'cancel') return askCancel(operation, signal, () => command(verb).then(changed));
    // Looked up on the page: after a patch it is not always the one made with this button.
    const place = button.closest('.operation')?.querySelector<HTMLElement>('.trouble') ?? h('div');
    void attempt(button, place, () => command(verb).then(changed));
  };
  const shown = actionsOf(operation).map(({ verb, text, danger }) =>
    h('button', { key: verb + text, type: 'button', class: danger ? 'danger' : '', onclick: act(verb) }, text),
  );
  return h('div', { key: 'actions', class: 'buttons' }, shown);
}

function askCancel(operation: Item, signal: AbortSignal, agreed: () => Promise<void>): void {
  const trouble = h('div');
  const what = operation.ended === undefined ? 'Cancel' : 'Undo';
  openDialog(`${what} this ${String(operation.operation)}?`, signal, (close) => {
    const go = (event: MouseEvent) =>
      void attempt(event.currentTarget as HTMLButtonElement, trouble, () => agreed().then(close));
    return [
      h('p', {}, 'No new step begins; what was done since the last finished point is undone, last step first.'),
      trouble,
      h('div', { class: 'buttons' }, h('button', { type: 'button', class: 'danger', onclick: go }, `${what} it`), h('button', { type: 'button', onclick: close }, 'Leave it')),
    ]; // prettier-ignore
  });
}

/** Subject by subject, as the node told it when the operation failed. */
function evidenceOf({ node, taken, ...facts }: Item): HTMLElement {
  const subjects = Object.entries(facts).map(([subject, text]) => [h('dt', {}, subject), h('dd', {}, h('pre', {}, String(text)))]);
  return h('div', { key: node }, h('h4', {}, `${String(node)} · ${dateText(taken)}`), h('dl', {}, subjects));
} // prettier-ignore

/** One operation with its progress, its steps and, for the newest, what can be done to it. */
export function operationCard(operation: Item, acting?: Acting): HTMLElement {
  const percent = Number(operation.percent ?? 0);
  const active = operation.ended === undefined;
  const temporal = String(operation.temporalurl ?? '');
  const leftovers = (operation.leftovers ?? []) as string[];
  const evidence = (operation.evidence ?? []) as Item[];
  const steps = (operation.steps ?? []) as Item[];
  const facts: Child[] = [
    active ? `${percent} %` : `${percent} % · took ${spanText(operation.created, operation.ended)}`,
    active && operation.secondsleft !== undefined && ` · about ${durationText(Number(operation.secondsleft))} left`,
    Number(operation.attempt) > 1 && ` · attempt ${operation.attempt}`,
    ` · ${dateText(operation.created)}`,
    /^https?:\/\//.test(temporal) && [
      ' · ',
      h('a', { href: temporal, target: '_blank', rel: 'noopener noreferrer' }, 'Temporal run'),
    ],
  ];
  return h(
    'section',
    { key: operation.id, class: 'card operation', 'data-state': operation.state },
    h('div', { class: 'head' }, h('h3', {}, title(String(operation.operation)), ' ', badge(operation.state)), acting && buttons(operation, acting.changed, acting.signal)),
    h('progress', { max: 100, value: percent, 'aria-label': 'Progress' }),
    h('p', { class: 'dim facts' }, facts),
    active && operation.estimatebasis !== undefined && h('p', { key: 'basis', class: 'dim basis' }, `The time left is ${String(operation.estimatebasis)}.`),
    active && operation.lasterror !== undefined && h('p', { key: 'last', class: 'notice warn' }, `Being tried again. ${String(operation.lasterror)}`),
    h('div', { key: 'trouble', class: 'trouble' }),
    operation.reason !== undefined &&
      h('div', { key: 'reason', class: 'notice bad' }, h('p', {}, String(operation.reason)), operation.whocanfix !== undefined && h('p', {}, h('strong', {}, MENDER[String(operation.whocanfix)] ?? ''))),
    evidence.length > 0 &&
      h('details', { key: 'evidence', class: 'evidence' }, h('summary', {}, 'What the nodes say'), evidence.map(evidenceOf)),
    leftovers.length > 0 && h('div', { key: 'left', class: 'notice warn' }, h('p', {}, 'Could not be taken away:'), h('ul', {}, leftovers.map((each) => h('li', {}, String(each))))),
    // Of an operation that is well over, the nodes below are looked for first.
    steps.length > 0 && h('details', { key: 'steps', class: 'all-steps', open: operation.state !== 'succeeded' }, h('summary', {}, stepCount(steps)), stepList(steps)),
  ); // prettier-ignore
}
