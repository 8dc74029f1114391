import { connectSsh, type SshSession, type SshTarget } from './ssh.js';

const IDLE_MS = 120_000;
const MOST_KEPT = 200;

interface Pooled {
  session: SshSession;
  users: number;
  timer?: NodeJS.Timeout;
}

const keyOf = ({ host, port, hostKey }: SshTarget) => `${host}:${port} ${hostKey}`;

/**
 * Connections to nodes that are kept for the next step: a handshake costs more than most steps. Each was verified against the
 * node's host key when it was made; one that ends is forgotten.
 */
export class SshPool {
  readonly #open = new Map<string, Pooled>();

  /** Runs `body` with a connection to the node: one that is kept, or a new one. Throws as `connectSsh` does. */
  async use<T>(target: SshTarget, signal: AbortSignal, body: (session: SshSession) => Promise<T>): Promise<T> {
    const key = keyOf(target);
    const pooled = this.#open.get(key) ?? this.#keep(key, await connectSsh(target, signal));
    clearTimeout(pooled.timer);
    pooled.users++;
    try {
      return await body(pooled.session);
    } finally {
      if (--pooled.users === 0) this.#rest(key, pooled);
    }
  }

  /** Leaves a new connection to the node kept, and none of before: that may lead to what the machine was before it was switched off. */
  async renew(target: SshTarget, signal: AbortSignal): Promise<void> {
    const key = keyOf(target);
    const session = await connectSsh(target, signal);
    const before = this.#open.get(key);
    this.#rest(key, this.#keep(key, session));
    if (!before) return;
    clearTimeout(before.timer);
    if (before.users === 0) before.session.close();
  }

  #keep(key: string, session: SshSession): Pooled {
    const pooled: Pooled = { session, users: 0 };
    this.#open.set(key, pooled);
    session.onClose(() => {
      clearTimeout(pooled.timer);
      if (this.#open.get(key) === pooled) this.#open.delete(key);
    });
    return pooled;
  }

  #rest(key: string, pooled: Pooled): void {
    if (this.#open.get(key) !== pooled || this.#open.size > MOST_KEPT) pooled.session.close();
    else pooled.timer = setTimeout(() => pooled.session.close(), IDLE_MS).unref();
  }
}
