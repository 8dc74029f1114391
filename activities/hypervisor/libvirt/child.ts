/**
 * The process in which libvirt runs, started by a worker when a host first needs it. This thread never calls libvirt, so it always
 * answers: it gives each call a thread, and ends with its parent.
 */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { toFault } from './errors.js';
import type { Call, ChildOptions, FromChild, Target, ToChild } from './protocol.js';
import { reach } from './reach.js';
import type { ThreadAnswer, ThreadData } from './thread.js';
import { libvirtUri } from './libvirt-uri.js';

const options = JSON.parse(process.argv[2] ?? '{}') as ChildOptions;
/** Calls of a host that run at one time; the others wait. A daemon takes five calls of a connection at once, so each has its own. */
const WIDTH = 12;
/** Of these, how many may send or copy disks, so that looks never wait for them. */
const LONG_WIDTH = 4;
const LONG: ReadonlySet<string> = new Set(['putImage', 'putVolume']);
const IDLE_MS = 60_000;

interface Thread {
  worker: Worker;
  abandoned: Int32Array;
  call: Call | undefined;
  idle: NodeJS.Timeout | undefined;
}
interface Host {
  target: Target;
  threads: Thread[];
  waiting: Call[];
  opening: boolean;
}
const hosts = new Map<string, Host>();
let loop: Promise<void> | undefined;

const tell = (message: FromChild) => process.connected && process.send?.(message);
const tellFault = (call: Call, error: unknown) =>
  tell({ kind: 'fault', id: call.id, fault: toFault(call.target.name, call.operation, error) });

process.on('message', (message: ToChild) => {
  if (message.kind === 'call') take(message);
  else if (message.kind === 'abandon') abandon(message.id);
  else end();
});
process.on('disconnect', end);

function take(call: Call): void {
  const { key } = call.target;
  let host = hosts.get(key);
  if (!host) hosts.set(key, (host = { target: call.target, threads: [], waiting: [], opening: false }));
  host.waiting.push(call);
  serve(host);
}

function abandon(id: number): void {
  for (const host of hosts.values()) {
    host.waiting = host.waiting.filter((call) => {
      if (call.id === id) tellFault(call, new Error('the call was given up'));
      return call.id !== id;
    });
    for (const { call, abandoned } of host.threads) if (call?.id === id) Atomics.store(abandoned, 0, 1);
  }
}

function serve(host: Host): void {
  for (;;) {
    const long = host.threads.filter(({ call }) => call && LONG.has(call.operation)).length;
    const next = host.waiting.findIndex(({ operation }) => long < LONG_WIDTH || !LONG.has(operation));
    if (next < 0) return;
    const thread = host.threads.find(({ call }) => !call);
    if (!thread) {
      if (host.threads.length < WIDTH && !host.opening) void addThread(host);
      return;
    }
    const [call] = host.waiting.splice(next, 1);
    if (call) start(thread, call);
  }
}

function start(thread: Thread, call: Call): void {
  clearTimeout(thread.idle);
  thread.call = call;
  Atomics.store(thread.abandoned, 0, 0);
  thread.worker.postMessage({ operation: call.operation, args: call.args });
}

/** One after the other for a host: SSH servers refuse many who are not logged in yet. */
async function addThread(host: Host): Promise<void> {
  host.opening = true;
  try {
    loop ??= startLoop();
    await loop;
    await reach(host.target);
    spawn(host);
  } catch (error) {
    loop = host.threads.length === 0 ? undefined : loop;
    for (const call of host.waiting.splice(0)) tellFault(call, error);
  } finally {
    host.opening = false;
    serve(host);
  }
}

function spawn(host: Host): void {
  const { target } = host;
  const data: ThreadData = {
    options,
    target,
    uri: libvirtUri(target.uri, filesOf(target)),
    abandoned: new Int32Array(new SharedArrayBuffer(4)),
  };
  const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData: data });
  const thread: Thread = { worker, abandoned: data.abandoned, call: undefined, idle: undefined };
  host.threads.push(thread);
  const gone = (why: string) => {
    host.threads = host.threads.filter((one) => one !== thread);
    if (thread.call) tellFault(thread.call, new Error(why));
    thread.call = undefined;
    serve(host);
  };
  worker.on('message', (answer: ThreadAnswer) => {
    const { call } = thread;
    if (!call) return;
    tell({ ...answer, id: call.id });
    if (answer.kind === 'progress' || answer.kind === 'opening') return;
    thread.call = undefined;
    thread.idle = setTimeout(() => retire(host, thread), IDLE_MS).unref();
    serve(host);
  });
  worker.on('error', (error) => gone(`a thread failed: ${error.message}`));
  worker.on('exit', () => gone('a thread ended'));
}

function retire(host: Host, thread: Thread): void {
  if (thread.call) return;
  host.threads = host.threads.filter((one) => one !== thread);
  thread.worker.postMessage('close');
  if (host.threads.length === 0 && host.waiting.length === 0) hosts.delete(host.target.key);
}

/** The event loop must be there before the first connection is opened: those opened earlier would have no keepalive. */
function startLoop(): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./loop.js', import.meta.url), { workerData: options });
    worker.once('message', (message: 'ready' | { missing: string }) =>
      message === 'ready' ? resolve() : reject(new Error(message.missing)),
    );
    worker.once('error', reject);
  });
}

function filesOf({ key, files }: Target): string | undefined {
  if (Object.keys(files).length === 0) return undefined;
  const folder = path.join(options.folder, key);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(path.join(folder, name), content, { mode: 0o600 });
    chmodSync(path.join(folder, name), 0o600);
  }
  return folder;
}

/** A thread inside a call of libvirt cannot be ended, nor can a process in the ordinary way while it has one. */
function end(): void {
  rmSync(options.folder, { recursive: true, force: true });
  for (const { threads } of hosts.values())
    for (const { call, worker } of threads) if (!call) worker.postMessage('close');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 200);
}
