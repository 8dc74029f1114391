/**
 * One thread of the child: one connection to one host, on which it makes one call after another. Calls into libvirt block; the
 * child gives each waiting call a thread of its own, and only it can be ended from outside.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { toFault } from './errors.js';
import { type Library, loadLibrary } from './library.js';
import { type HostNature, natureOf, operate } from './operations.js';
import type { ChildOptions, OperationName, PlainFault, Target } from './protocol.js';
import { Session } from './session.js';

export interface ThreadData {
  options: ChildOptions;
  target: Target;
  /** URI for libvirt. */
  uri: string;
  /** 1 once the running call was given up. */
  abandoned: Int32Array;
}
export interface ThreadCall {
  operation: OperationName;
  args: unknown[];
}
export type ThreadAnswer =
  { kind: 'done'; result: unknown } | { kind: 'fault'; fault: PlainFault } | { kind: 'opening' } | { kind: 'progress' };

const { options, target, uri, abandoned } = workerData as ThreadData;
const port = parentPort!;
const answer = (message: ThreadAnswer) => port.postMessage(message);
let library: Library | undefined;
let open: { session: Session; nature: HostNature } | undefined;

const isAbandoned = () => Atomics.load(abandoned, 0) === 1;

async function connect(): Promise<{ session: Session; nature: HostNature }> {
  library ??= await loadLibrary(options.library);
  if (open && library.isAlive(open.session.connection) === 1) return open;
  disconnect();
  answer({ kind: 'opening' });
  const connection = library.open(uri);
  const session = new Session(library, connection!, isAbandoned, () => answer({ kind: 'progress' }));
  if (connection === null) throw session.failure();
  // In-process drivers have no keepalive, and need none.
  library.setKeepAlive(connection, options.keepAlive.interval, options.keepAlive.count);
  answer({ kind: 'progress' });
  return (open = { session, nature: natureOf(session, target) });
}

function disconnect(): void {
  if (open) library?.close(open.session.connection);
  open = undefined;
}

port.on('message', (call: ThreadCall | 'close') => {
  if (call === 'close') {
    disconnect();
    port.close();
    return;
  }
  run(call).then(answer, (error: unknown) =>
    answer({ kind: 'fault', fault: toFault(target.name, call.operation, error) }),
  );
});

async function run({ operation, args }: ThreadCall): Promise<ThreadAnswer> {
  try {
    const { session, nature } = await connect();
    return { kind: 'done', result: operate(session, target, nature, operation, args) };
  } catch (error) {
    if (open && library?.isAlive(open.session.connection) !== 1) {
      disconnect();
      return { kind: 'fault', fault: toFault(target.name, operation, error, true) };
    }
    throw error;
  }
}
