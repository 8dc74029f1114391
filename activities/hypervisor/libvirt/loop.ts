/**
 * The thread that runs libvirt's event loop, which answers keepalive for the connections of all other threads. It never returns
 * to JavaScript: the child ends by ending its process.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { loadLibrary } from './library.js';

try {
  const library = await loadLibrary((workerData as { library: string }).library);
  if (library.eventRegister() < 0) throw new Error(`libvirt has no event loop: ${library.lastError()?.message ?? ''}`);
  parentPort!.postMessage('ready');
  for (;;) library.eventRun();
} catch (error) {
  parentPort!.postMessage({ missing: (error as Error).message });
}
