import type { ServerResponse } from 'node:http';
import type { KubeObject } from './objects.js';
import { StatusError } from './status-error.js';
import type { Change, Store } from './store.js';

export interface WatchRequest {
  resource: string;
  groupVersion: string;
  kind: string;
  since: string | null;
  sendInitialEvents: boolean;
  bookmarks: boolean;
  timeoutSeconds: number;
  matches: (object: KubeObject) => boolean;
  render: (object: KubeObject) => unknown;
}

/** A reader that stopped reading is let go before it costs memory. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;

/** Streams changes as lines of JSON until the client leaves or its time is up. */
export function watch(store: Store, request: WatchRequest, response: ServerResponse): void {
  const { resource, matches, render } = request;
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  const send = (type: string, object: unknown): void => {
    response.write(`${JSON.stringify({ type, object })}\n`);
    if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
  };
  const bookmark = (annotations?: Record<string, string>): void => {
    const metadata = {
      resourceVersion: String(store.version),
      creationTimestamp: null,
      ...(annotations && { annotations }),
    };
    send('BOOKMARK', { kind: request.kind, apiVersion: request.groupVersion, metadata });
  };
  const relay = (change: Change): void => {
    if (change.resource !== resource) return;
    const before = !!change.previous && matches(change.previous);
    const after = change.type !== 'DELETED' && matches(change.object);
    if (after) send(before ? 'MODIFIED' : 'ADDED', render(change.object));
    else if (before) send('DELETED', render(change.object));
  };

  const fromNow = !request.since || request.since === '0' || request.sendInitialEvents;
  if (fromNow) {
    for (const object of store.list(resource).filter(matches)) send('ADDED', render(object));
    if (request.sendInitialEvents) bookmark({ 'k8s.io/initial-events-end': 'true' });
  } else {
    const missed = store.since(Number(request.since));
    if (!missed) {
      send('ERROR', new StatusError(410, `too old resource version: ${request.since} (${store.version})`).body());
      response.end();
      return;
    }
    missed.forEach(relay);
  }
  store.listeners.add(relay);
  const limit =
    request.timeoutSeconds > 0 &&
    setTimeout(() => {
      if (request.bookmarks) bookmark();
      response.end();
    }, request.timeoutSeconds * 1000).unref();
  response.on('close', () => {
    store.listeners.delete(relay);
    if (limit) clearTimeout(limit);
  });
}
