import { h, type Child } from '../dom.js';

/** A modal dialog: Escape and the browser's own focus keeping come with the element. `fill` gets the function that closes it. */
export function openDialog(
  heading: string,
  signal: AbortSignal,
  fill: (close: () => void) => Child,
): HTMLDialogElement {
  const before = document.activeElement;
  const dialog = h('dialog', { 'aria-label': heading });
  const close = () => dialog.close();
  dialog.append(h('h2', {}, heading));
  dialog.append(h('div', {}, fill(close)));
  dialog.addEventListener('close', () => {
    dialog.remove();
    if (before instanceof HTMLElement && before.isConnected) before.focus();
  });
  signal.addEventListener('abort', close);
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
