import { h, show, type Child } from '../dom.js';
import { wordsOf } from '../api.js';

export const notice = (tone: 'bad' | 'good' | 'warn' | 'plain', ...children: Child[]): HTMLElement =>
  h('p', { class: `notice ${tone}`, role: tone === 'bad' ? 'alert' : 'status' }, ...children);

/** Runs what a button stands for: the button rests meanwhile, and what went wrong stands in `place`. */
export async function attempt(
  button: HTMLButtonElement | null,
  place: HTMLElement,
  work: () => Promise<void>,
): Promise<void> {
  if (button) button.disabled = true;
  show(place);
  try {
    await work();
  } catch (error) {
    show(place, notice('bad', wordsOf(error)));
  } finally {
    if (button) button.disabled = false;
  }
}
