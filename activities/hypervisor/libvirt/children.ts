import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectRoot } from '../../../db/project-root.js';
import { fault } from '../../../workflows/model/fault.js';
import type { FaultCode } from '../../../workflows/model/faults.js';
import { LIBRARY } from './library.js';
import type { ChildOptions, FromChild, KeepAlive, OperationName, Operations, Target, ToChild } from './protocol.js';

export interface ChildrenOptions {
  keepAlive?: KeepAlive;
  /** Longest time of a call, and of a pause between two signs of progress of one that sends or copies. */
  limitMs?: number;
  /** Longest time for opening a connection. */
  openMs?: number;
  /** How long calls of other hosts may still run in a child that has lost a call. */
  drainMs?: number;
  library?: string;
  /** Lines that the child or libvirt prints. */
  log?: (line: string) => void;
}
export type Signal = () => AbortSignal | undefined;

/** Copies of disks report no progress. */
const COPY_LIMIT_MS = 900_000;
const COPIES: ReadonlySet<OperationName> = new Set(['putVolume']);
const POLITE_MS = 1000;

interface Pending {
  target: Target;
  operation: OperationName;
  settle: (answer: { result: unknown } | { error: Error }) => void;
  timer: NodeJS.Timeout;
  limitMs: number;
}
interface Child {
  process: ChildProcess;
  folder: string;
  pending: Map<number, Pending>;
  exited: Promise<void>;
}

/**
 * The process in which libvirt runs, started with the first call. A call past its limit costs it: it gets no more calls, its other
 * calls may end within `drainMs`, then it is killed; new calls go to a new one. So a host that hangs holds up no other.
 */
export class LibvirtChildren {
  private current: Child | undefined;
  private readonly all = new Set<Child>();
  private readonly hung = new Map<string, { failures: number; until: number }>();
  private lastId = 0;
  /** How often a process was started. */
  starts = 0;
  private closed = false;
  private readonly limitMs: number;
  private readonly openMs: number;
  private readonly drainMs: number;

  constructor(private readonly options: ChildrenOptions = {}) {
    this.limitMs = options.limitMs ?? 60_000;
    this.openMs = options.openMs ?? 15_000;
    this.drainMs = options.drainMs ?? 30_000;
  }

  /** Number of processes that run. */
  get size(): number {
    return this.all.size;
  }
  get pids(): number[] {
    return [...this.all].flatMap(({ process }) => process.pid ?? []);
  }

  call<N extends OperationName>(
    target: Target,
    operation: N,
    args: Operations[N]['args'],
    signal?: AbortSignal,
  ): Promise<Operations[N]['result']> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.closed) throw unreachable(target, operation, 'this worker is stopping');
      const resting = this.hung.get(target.key);
      if (resting && resting.until > Date.now())
        throw unreachable(target, operation, 'it hung at the last call; it is asked again in some seconds');
      const child = (this.current ??= this.start());
      const id = ++this.lastId;
      const limitMs = COPIES.has(operation) ? Math.max(COPY_LIMIT_MS, this.limitMs) : this.limitMs;
      const onAbort = () => {
        this.send(child, { kind: 'abandon', id });
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      child.pending.set(id, {
        target,
        operation,
        limitMs,
        timer: setTimeout(() => this.overdue(child, id), limitMs),
        settle: (answer) => {
          signal?.removeEventListener('abort', onAbort);
          if ('error' in answer) reject(answer.error);
          else resolve(answer.result as Operations[N]['result']);
        },
      });
      this.send(child, { kind: 'call', id, target, operation, args });
    });
  }

  /** Lets calls run for `graceMs` more; then ends every process, at the latest after a second, whatever libvirt is doing. */
  async close(graceMs = 0): Promise<void> {
    for (const end = Date.now() + graceMs; Date.now() < end && [...this.all].some(({ pending }) => pending.size > 0);)
      await sleep(50);
    this.closed = true;
    await Promise.all(
      [...this.all].map(async (child) => {
        this.send(child, { kind: 'close' });
        const timer = setTimeout(() => child.process.kill('SIGKILL'), POLITE_MS);
        await child.exited;
        clearTimeout(timer);
      }),
    );
  }

  private start(): Child {
    this.starts++;
    const folder = mkdtempSync(path.join(tmpdir(), 'cks-hosts-'));
    const { keepAlive = { interval: 5, count: 3 }, library = LIBRARY } = this.options;
    const options: ChildOptions = { keepAlive, library, folder };
    const program = path.join(projectRoot(), 'dist/activities/hypervisor/libvirt/child.js');
    const forked = fork(program, [JSON.stringify(options)], {
      execArgv: ['--enable-source-maps'],
      serialization: 'advanced',
      // None of the service's own environment: the child needs no key of it.
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        LANG: 'C.UTF-8',
        LIBVIRT_DEBUG: '4',
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const child: Child = {
      process: forked,
      folder,
      pending: new Map(),
      exited: new Promise((r) => forked.once('exit', () => r())),
    };
    this.all.add(child);
    for (const stream of [forked.stdout, forked.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => this.options.log?.(text.trim()));
    forked.on('message', (message: FromChild) => this.answered(child, message));
    forked.on('error', () => this.gone(child));
    forked.once('exit', () => this.gone(child));
    return child;
  }

  private send(child: Child, message: ToChild): void {
    if (child.process.connected) child.process.send(message, () => undefined);
  }

  private answered(child: Child, message: FromChild): void {
    const call = child.pending.get(message.id);
    if (!call) return;
    if (message.kind === 'opening' || message.kind === 'progress') {
      clearTimeout(call.timer);
      const limitMs = message.kind === 'opening' ? this.openMs : call.limitMs;
      call.timer = setTimeout(() => this.overdue(child, message.id), limitMs);
      return;
    }
    this.hung.delete(call.target.key);
    clearTimeout(call.timer);
    child.pending.delete(message.id);
    if (message.kind === 'done') call.settle({ result: message.result });
    else {
      const { code, message: text, facts } = message.fault;
      call.settle({ error: fault(code as FaultCode, text, facts) });
    }
    if (child !== this.current && child.pending.size === 0) child.process.kill('SIGKILL');
  }

  private overdue(child: Child, id: number): void {
    const call = child.pending.get(id);
    if (!call) return;
    child.pending.delete(id);
    this.send(child, { kind: 'abandon', id });
    const { key } = call.target;
    const failures = (this.hung.get(key)?.failures ?? 0) + 1;
    this.hung.set(key, { failures, until: Date.now() + Math.min(30_000, 1000 * 2 ** (failures - 1)) });
    call.settle({
      error: unreachable(
        call.target,
        call.operation,
        'nothing came back within its time. libvirtd or the storage of a pool hangs there: mend the storage, or restart libvirtd',
      ),
    });
    // Whatever else waits for this host waits for the same hung daemon.
    for (const [other, { target, operation, settle, timer }] of child.pending)
      if (target.key === key) {
        clearTimeout(timer);
        child.pending.delete(other);
        this.send(child, { kind: 'abandon', id: other });
        settle({ error: unreachable(target, operation, 'another call to it hangs') });
      }
    this.retire(child);
  }

  private retire(child: Child): void {
    if (this.current === child) this.current = undefined;
    const kill = () => child.process.kill('SIGKILL');
    if (child.pending.size === 0) kill();
    else void Promise.race([child.exited, new Promise((r) => setTimeout(r, this.drainMs).unref())]).then(kill);
  }

  private gone(child: Child): void {
    if (this.current === child) this.current = undefined;
    this.all.delete(child);
    rmSync(child.folder, { recursive: true, force: true });
    for (const { target, operation, settle, timer } of child.pending.values()) {
      clearTimeout(timer);
      settle({ error: unreachable(target, operation, 'the process that drives libvirt ended and is started again') });
    }
    child.pending.clear();
  }
}

const unreachable = ({ name }: Target, action: string, why: string) =>
  fault('HostUnreachable', `host ${name} does not answer (${action}): ${why}`, { host: name, action });
