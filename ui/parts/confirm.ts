import { h } from '../dom.js';
import { openDialog } from './dialog.js';
import { attempt } from './notice.js';

/** Asks before something is done that cannot be taken back. */
export function confirm(
  heading: string,
  says: string,
  verb: string,
  signal: AbortSignal,
  work: () => Promise<void>,
): void {
  const trouble = h('div');
  openDialog(heading, signal, (close) => {
    const agreed = (event: MouseEvent) =>
      void attempt(event.currentTarget as HTMLButtonElement, trouble, () => work().then(close));
    return [
      h('p', {}, says),
      trouble,
      h('div', { class: 'buttons' }, h('button', { type: 'button', class: 'danger', onclick: agreed }, verb), h('button', { type: 'button', autofocus: true, onclick: close }, 'Keep it')),
    ]; // prettier-ignore
  });
}
