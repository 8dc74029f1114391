import { h } from '../dom.js';

/** A line to paste into a terminal, with a button that copies it. */
export function copyBox(label: string, text: string): HTMLElement {
  const code = h('code', { tabindex: '0', 'aria-label': label }, text);
  const copy = async (button: HTMLElement) => {
    try {
      await navigator.clipboard.writeText(code.textContent ?? '');
      button.textContent = 'Copied';
    } catch {
      // Without HTTPS browsers lend no clipboard: the line is selected for the user's own copy key.
      getSelection()?.selectAllChildren(code);
      button.textContent = 'Selected';
    }
    setTimeout(() => (button.textContent = 'Copy'), 1500);
  };
  const button = h(
    'button',
    { type: 'button', class: 'small', onclick: (event: MouseEvent) => void copy(event.currentTarget as HTMLElement) },
    'Copy',
  );
  return h('div', { class: 'copy' }, h('span', { class: 'label' }, label), h('div', {}, code, button));
}
