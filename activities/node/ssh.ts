import ssh2 from 'ssh2';
import type { Secret } from '../../db/secret.js';
import { fault, textOf } from '../../workflows/model/fault.js';
import type { FaultCode } from '../../workflows/model/faults.js';

export interface SshTarget {
  name: string;
  host: string;
  port: number;
  /** `ssh-ed25519 AAAA…`: the only host key that is accepted. */
  hostKey: string;
  privateKey: Secret;
  /** Who logs in; on nodes `cloud`. */
  user?: string;
  /** What another host key and no answer are called; a node's faults unless given. */
  faults?: { identity: FaultCode; unreachable: FaultCode };
}

export interface ExecResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface SshSession {
  /** Runs one command; `input` goes to its standard input. Ends early, its channel closed, when `signal` aborts. */
  exec(command: string, signal: AbortSignal, input?: Buffer | string): Promise<ExecResult>;
  /** Called once when the connection is gone, whoever ended it. */
  onClose(listener: () => void): void;
  close(): void;
}

const CONNECT_MS = 10_000;
const OF_NODES = { identity: 'NodeIdentity', unreachable: 'NodeUnreachable' } as const;
/** Signature algorithms of a kind of key, where they have names of their own. */
const ALGORITHMS: Readonly<Record<string, ssh2.ServerHostKeyAlgorithm[]>> = {
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};
/** Output past this is dropped: a node must not be able to fill our memory. */
const MOST_OUTPUT = 4 * 1024 * 1024;

const reasonOf = (signal: AbortSignal) => (signal.reason instanceof Error ? signal.reason : new Error('cancelled'));

/**
 * Opens a verified connection as user `cloud`. Throws `NodeIdentity` when the node shows another host key, `NodeUnreachable` when
 * it does not answer.
 */
export async function connectSsh(target: SshTarget, signal: AbortSignal): Promise<SshSession> {
  const client = new ssh2.Client().setMaxListeners(50);
  const [kind = '', expected = ''] = target.hostKey.split(' ');
  const { identity, unreachable } = target.faults ?? OF_NODES;
  const where = `${target.host}:${target.port}`;
  let shown = '';
  await new Promise<void>((resolve, reject) => {
    const abort = () => {
      client.destroy();
      reject(reasonOf(signal));
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    client
      .once('ready', () => {
        signal.removeEventListener('abort', abort);
        resolve();
      })
      // For as long as the client lives: it reports some losses twice, and an unheard error would end the process.
      .on('error', (error) => {
        signal.removeEventListener('abort', abort);
        client.destroy();
        reject(
          shown !== '' && shown !== expected
            ? fault(
                identity,
                `${target.name} (${where}) showed another SSH host key than the one that is pinned: the connection was refused`,
              )
            : fault(unreachable, `${target.name} does not answer on SSH at ${where}: ${textOf(error)}`),
        );
      })
      .once('close', () => reject(fault(unreachable, `${target.name} closed the SSH connection at ${where}`)))
      .connect({
        host: target.host,
        port: target.port,
        username: target.user ?? 'cloud',
        privateKey: target.privateKey.reveal(),
        readyTimeout: CONNECT_MS,
        keepaliveInterval: 5000,
        keepaliveCountMax: 3,
        algorithms: { serverHostKey: ALGORITHMS[kind] ?? [kind as ssh2.ServerHostKeyAlgorithm] },
        hostVerifier: (key: Buffer) => {
          shown = key.toString('base64');
          return shown === expected;
        },
      });
  });
  return {
    exec: (command, during, input) => exec(client, target, command, during, input),
    onClose: (listener) => void client.once('close', listener),
    close: () => void client.end(),
  };
}

function exec(
  client: ssh2.Client,
  target: SshTarget,
  command: string,
  signal: AbortSignal,
  input: Buffer | string | undefined,
): Promise<ExecResult> {
  return new Promise((resolve, reject) => {
    let channel: ssh2.ClientChannel | undefined;
    const settle = (how: () => void) => {
      signal.removeEventListener('abort', abort);
      client.removeListener('close', closed);
      how();
    };
    const lost = (why: string) =>
      settle(() =>
        reject(
          fault(
            target.faults?.unreachable ?? OF_NODES.unreachable,
            `the SSH connection to ${target.name} was lost: ${why}`,
          ),
        ),
      );
    const abort = () => {
      channel?.close();
      settle(() => reject(reasonOf(signal)));
    };
    const closed = () => lost('closed');
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    client.once('close', closed);
    try {
      client.exec(command, (error, opened) => (error ? lost(textOf(error)) : attend(opened)));
    } catch (error) {
      // The pooled connection ended at this very moment.
      lost(textOf(error));
    }

    function attend(opened: ssh2.ClientChannel): void {
      channel = opened;
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      let size = 0;
      const keep = (list: Buffer[]) => (chunk: Buffer) => {
        size += chunk.length;
        if (size <= MOST_OUTPUT) list.push(chunk);
      };
      let code: number | undefined;
      opened.on('data', keep(out));
      opened.stderr.on('data', keep(err));
      opened.on('exit', (exit: number | null) => (code = exit ?? undefined));
      opened.on('error', () => undefined);
      opened.on('close', () => {
        if (code === undefined) return lost('the command ended without an exit status');
        const text = (list: Buffer[]) => Buffer.concat(list).toString('utf8');
        const result = { code, stdout: text(out), stderr: text(err) };
        settle(() => resolve(result));
      });
      opened.end(input ?? '');
    }
  });
}
