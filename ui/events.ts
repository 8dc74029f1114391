import { list, type Item } from './api.js';
import { readSession } from './session.js';

const AGAIN_MS = 3000;

/**
 * Tells `changed` of the operation until it has ended or the view is left. The browser opens a broken stream again; a refused one
 * is asked for by a plain call, and tried again a little later.
 */
export function watchOperation(id: string, signal: AbortSignal, changed: (operation: Item) => void): void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const open = () => {
    if (signal.aborted || document.hidden) return;
    const key = encodeURIComponent(readSession()?.sessionkey ?? '');
    const current = new EventSource(`/client/operations/${encodeURIComponent(id)}/events?sessionkey=${key}`);
    source = current;
    current.addEventListener('operation', (event) => changed(JSON.parse((event as MessageEvent<string>).data) as Item));
    current.addEventListener('end', () => current.close());
    current.addEventListener('error', () => {
      if (current.readyState !== EventSource.CLOSED || signal.aborted) return;
      timer = setTimeout(() => void ask(), AGAIN_MS);
    });
  };
  const ask = async () => {
    const found = await list('listKubernetesClusterOperations', 'kubernetesclusteroperation', { id }, signal).catch(
      () => undefined,
    );
    const operation = found?.items[0];
    if (signal.aborted) return;
    if (operation) changed(operation);
    if (operation?.ended === undefined) open();
  };
  // Browsers open few connections to one server: tabs that nobody looks at give theirs back.
  const turn = () => {
    source?.close();
    clearTimeout(timer);
    open();
  };
  document.addEventListener('visibilitychange', turn, { signal });
  signal.addEventListener('abort', () => {
    source?.close();
    clearTimeout(timer);
  });
  open();
}
