import { call, start, type Item, type Sent } from '../api.js';
import { h, show, type Child } from '../dom.js';
import { openDialog } from './dialog.js';
import { attempt } from './notice.js';
import { planView } from './plan.js';

export interface PlannedAction {
  heading: string;
  command: string;
  /** Says in words what will be lost or interrupted. */
  says?: Child;
  /** What has to be chosen first; without it the plan is shown at once. */
  fields?: Child;
  /** Parameters for what stands in the form now. */
  parameters: (form: HTMLFormElement) => Sent;
  go: string;
  danger?: boolean;
  started: () => void;
}

/** Shows the very plan that will run before anything is done: another plan by then is refused by the API and shown again instead. */
export function askWithPlan(action: PlannedAction, signal: AbortSignal): void {
  const { heading, command, says, fields, parameters, started } = action;
  const trouble = h('div');
  const plan = h('div', { class: 'plan', 'aria-live': 'polite' });
  const agree = h('button', { class: action.danger ? 'danger' : 'main', disabled: true }, action.go);
  const look = h('button', { type: 'button' }, 'Show the plan');
  let hash: string | undefined;
  // An answer that belongs to what stood in the form before is not shown.
  let asked = 0;
  let closeDialog = (): void => undefined;
  const form = h('form', {
    onsubmit: (event: SubmitEvent) => {
      event.preventDefault();
      if (hash === undefined) return void attempt(look, trouble, readPlan);
      void attempt(null, trouble, run);
    },
  });
  const forget = () => {
    asked += 1;
    hash = undefined;
    agree.disabled = true;
    show(plan, fields !== undefined && h('p', { class: 'dim' }, 'Show the plan first: nothing is done before you have seen it.'));
  }; // prettier-ignore
  const readPlan = async () => {
    if (!form.reportValidity()) return;
    forget();
    const mine = asked;
    show(plan, h('p', { class: 'dim' }, 'Making the plan …'));
    const answer = await call(command, { ...parameters(form), dryrun: 'true' }, signal).catch((error: unknown) => {
      if (mine === asked) show(plan);
      throw error;
    });
    if (mine !== asked) return;
    show(plan, planView(answer.plan as Item, h('h3', {}, 'What will happen'), 'Nothing is to be done: it is as wanted already.')); // prettier-ignore
    if (answer.plan.steps.length === 0) return;
    hash = answer.plan.hash as string;
    agree.disabled = false;
  };
  openDialog(heading, signal, (close) => {
    form.append(
      h('div', {}, says),
      h('div', { oninput: forget, onchange: forget }, fields),
      plan,
      trouble,
      h('div', { class: 'buttons' }, fields !== undefined && look, agree, h('button', { type: 'button', autofocus: action.danger === true, onclick: close }, action.danger ? 'Keep it' : 'Leave it')),
    ); // prettier-ignore
    closeDialog = close;
    return form;
  });
  async function run(): Promise<void> {
    agree.disabled = true;
    try {
      await start(command, { ...parameters(form), planhash: hash });
    } catch (error) {
      await readPlan().catch(() => undefined);
      throw error;
    }
    closeDialog();
    started();
  }
  look.onclick = () => void attempt(look, trouble, readPlan);
  forget();
  if (fields === undefined) void attempt(null, trouble, readPlan);
}
