import { wordsOf } from './api.js';
import { h, show } from './dom.js';

export interface Refresh {
  /** Reads again at once. */
  now: () => void;
}

/**
 * Reads and shows again and again until the view is left; rests while the page is hidden. What went wrong stands in `trouble` until
 * it works again; what was shown before stays.
 */
export function refresh(
  everyMs: number,
  signal: AbortSignal,
  trouble: HTMLElement,
  work: () => Promise<void>,
): Refresh {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;
  let again = false;
  const run = async (): Promise<void> => {
    if (running) return void (again = true);
    clearTimeout(timer);
    running = true;
    try {
      await work();
      if (!signal.aborted) show(trouble);
    } catch (error) {
      if (!signal.aborted) show(trouble, h('p', { class: 'notice bad', role: 'alert' }, wordsOf(error)));
    }
    running = false;
    if (signal.aborted) return;
    if (again) timer = setTimeout(() => void run(), 0);
    else if (!document.hidden) timer = setTimeout(() => void run(), everyMs);
    again = false;
  };
  document.addEventListener('visibilitychange', () => void (!document.hidden && run()), { signal });
  signal.addEventListener('abort', () => clearTimeout(timer));
  void run();
  return { now: () => void run() };
}
