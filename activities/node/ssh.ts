import ssh2 from 'ssh2';
import type { Secret } from '../../db/secret.js';
import { fault, textOf } from '../../workflows/model/fault.js';

export interface SshTarget {
  name: string;
  host: string;
  port: number;
  /** `ssh-ed25519 AAAA…`: the only host key that is accepted. */
  hostKey: string;
  privateKey: Secret;
}

export interface ExecResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface SshSession {
  /** Runs one command; `input` goes to its standard input. Ends early, the connection closed, when `signal` aborts. */
  exec(command: string, input?: Buffer | string): Promise<ExecResult>;
  close(): void;
}

const CONNECT_MS = 10_000;
/** Output past this is dropped: a node must not be able to fill our memory. */
const MOST_OUTPUT = 4 * 1024 * 1024;

/**
 * Opens a verified connection as user `cloud`. Throws `NodeIdentity` when the node shows another host key, `NodeUnreachable` when
 * it does not answer.
 */
export async function connectSsh(target: SshTarget, signal: AbortSignal): Promise<SshSession> {
  const client = new ssh2.Client();
  const expected = target.hostKey.split(' ')[1] ?? '';
  const where = `${target.host}:${target.port}`;
  let shown = '';
  await new Promise<void>((resolve, reject) => {
    const abort = () => {
      client.destroy();
      reject(signal.reason instanceof Error ? signal.reason : new Error('cancelled'));
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
            ? fault('NodeIdentity', `${target.name} (${where}) showed another SSH host key than it was made with: the connection was refused`)
            : fault('NodeUnreachable', `${target.name} does not answer on SSH at ${where}: ${textOf(error)}`),
        );
      })
      .once('close', () => reject(fault('NodeUnreachable', `${target.name} closed the SSH connection at ${where}`)))
      .connect({
        host: target.host,
        port: target.port,
        username: 'cloud',
        privateKey: target.privateKey.reveal(),
        readyTimeout: CONNECT_MS,
        keepaliveInterval: 5000,
        keepaliveCountMax: 3,
        algorithms: { serverHostKey: ['ssh-ed25519'] },
        hostVerifier: (key: Buffer) => {
          shown = key.toString('base64');
          return shown === expected;
        },
      });
  });
  return {
    exec: (command, input) => exec(client, target, command, input, signal),
    close: () => void client.end(),
  };
}

function exec(client: ssh2.Client, target: SshTarget, command: string, input: Buffer | string | undefined, signal: AbortSignal): Promise<ExecResult> {
  return new Promise((resolve, reject) => {
    const lost = (why: string) => reject(fault('NodeUnreachable', `the SSH connection to ${target.name} was lost: ${why}`));
    const abort = () => {
      client.destroy();
      reject(signal.reason instanceof Error ? signal.reason : new Error('cancelled'));
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    client.once('close', () => lost('closed'));
    client.exec(command, (error, channel) => {
      if (error) return lost(textOf(error));
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      let size = 0;
      const keep = (list: Buffer[]) => (chunk: Buffer) => {
        size += chunk.length;
        if (size <= MOST_OUTPUT) list.push(chunk);
      };
      let code: number | undefined;
      channel.on('data', keep(out));
      channel.stderr.on('data', keep(err));
      channel.on('exit', (exit: number | null) => (code = exit ?? undefined));
      channel.on('close', () => {
        signal.removeEventListener('abort', abort);
        if (code === undefined) return lost('the command ended without an exit status');
        resolve({ code, stdout: Buffer.concat(out).toString('utf8'), stderr: Buffer.concat(err).toString('utf8') });
      });
      channel.on('error', () => undefined);
      channel.end(input ?? '');
    });
  });
}
