import { list, start, wordsOf, type Item, type Sent } from '../api.js';
import { readChoices, type Choices } from '../choices.js';
import { h, show } from '../dom.js';
import { parameterField, readFields } from './field.js';
import { attempt, notice } from './notice.js';

export interface CommandForm {
  command: string;
  heading: string;
  /** Parameters with a field, in order; of those that the caller's role does not have there is none. */
  fields: readonly string[];
  verb: string;
  choices?: Choices;
  /** Turns what stands in the fields into what is sent. */
  change?: (sent: Record<string, string>) => Sent;
  /** Says more than the error's words, or undefined. */
  onRefusal?: (error: unknown, form: HTMLFormElement) => HTMLElement | undefined;
  done: () => void;
}

/** A form that stays closed until it is wanted, made from what `listApis` says of the command. */
export function commandForm(wanted: CommandForm, signal: AbortSignal): HTMLElement {
  const place = h('div', {}, h('p', { class: 'dim' }, 'Loading …'));
  const box = h('details', { class: 'card' }, h('summary', {}, wanted.heading), place);
  let filled = false;
  box.addEventListener('toggle', () => {
    if (!box.open || filled) return;
    filled = true;
    void fill(place, wanted, signal).catch((error: unknown) => {
      filled = false;
      if (!signal.aborted) show(place, notice('bad', wordsOf(error)));
    });
  });
  return box;
}

async function fill(place: HTMLElement, wanted: CommandForm, signal: AbortSignal): Promise<void> {
  const { command, fields, change, onRefusal, done } = wanted;
  const [{ items }, known] = await Promise.all([
    list('listApis', 'api', { name: command }, signal),
    readChoices(signal),
  ]);
  if (signal.aborted) return;
  const choices: Choices = { ...known, ...wanted.choices };
  const declared = new Map(((items[0]?.params ?? []) as Item[]).map((each) => [String(each.name), each]));
  const parameters = fields.flatMap((name) => declared.get(name) ?? []);
  const trouble = h('div');
  const form = h('form', {});
  form.onsubmit = (event) => {
    event.preventDefault();
    void attempt(form.querySelector('button.main'), trouble, async () => {
      const sent = readFields(form, parameters);
      try {
        await start(command, change ? change(sent) : sent);
      } catch (error) {
        const more = onRefusal?.(error, form);
        if (!more) throw error;
        return show(trouble, more);
      }
      form.reset();
      show(trouble, notice('good', 'Done; the list below shows it.'));
      done();
    });
  };
  form.append(
    h('div', { class: 'grid' }, parameters.map((each) => parameterField(each, choices[String(each.name)]))),
    trouble,
    h('button', { class: 'main' }, wanted.verb),
  ); // prettier-ignore
  place.replaceChildren(form);
}
