import { readSecret, type Sealer } from '../../db/secret.js';
import type { Db } from '../../db/knex.js';
import { fault } from '../../workflows/model/fault.js';
import type { FaultCode } from '../../workflows/model/faults.js';
import { connectSsh, type SshTarget } from '../node/ssh.js';

const LIMIT_MS = 120_000;
/** Exit status of a call that is wrong in itself: the same next time. */
const REFUSED = 2;
const FAULTS = { identity: 'HostIdentity', unreachable: 'HostUnreachable' } as const;

/** Who runs a program: how it is reached, and the fault of a failure that may pass. */
export interface Program {
  target: SshTarget;
  failed: FaultCode;
}

export type Run = (words: readonly string[], input?: string) => Promise<string>;

/**
 * Where `ssh://USER@HOST[:PORT]` (also written `ssh+gateway://`) leads. `owner` holds the secrets `ssh`, a private key, and `known-host`, the
 * only host key that is accepted.
 */
export async function readTarget(db: Db, sealer: Sealer, url: string, owner: string, name: string): Promise<SshTarget> {
  const { protocol, hostname, port, username } = new URL(url.replace(/^ssh\+\w+:/, 'ssh:'));
  if (protocol !== 'ssh:' || hostname === '' || username === '')
    throw fault('HypervisorRefused', `${url} is not how a program is reached: expected ssh://USER@HOST[:PORT]`);
  const [privateKey, hostKey] = [
    await readSecret(db, sealer, owner, 'ssh'),
    await readSecret(db, sealer, owner, 'known-host'),
  ];
  if (!privateKey || !hostKey)
    throw fault(
      'HypervisorRefused',
      `the private key and the host key for ${name} (${url}) are not stored: add it anew with them`,
    );
  return {
    name,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? 22 : Number(port),
    user: username,
    hostKey: hostKey.reveal(),
    privateKey,
    faults: FAULTS,
  };
}

/** Calls of a program that is the forced command of our key on a host; it takes its words from the command that is asked for. */
export function forcedCommand(program: () => Promise<Program>, signal?: () => AbortSignal | undefined): Run {
  return async (words, input = '') => {
    const { target, failed } = await program();
    const limit = AbortSignal.timeout(LIMIT_MS);
    const outer = signal?.();
    const during = outer ? AbortSignal.any([outer, limit]) : limit;
    const session = await connectSsh(target, during);
    try {
      const { code, stdout, stderr } = await session.exec(words.join(' '), during, input);
      if (code === 0) return stdout;
      const said = stderr.trim().split('\n').slice(-3).join(' ').slice(0, 1000) || `exit status ${code}`;
      throw fault(code === REFUSED ? 'HypervisorRefused' : failed, `${target.name}: ${said}`, { host: target.host });
    } finally {
      session.close();
    }
  };
}
