import type { ApplicationFailure } from '@temporalio/common';
import type { HostKey } from '../../../db/ssh-host-key.js';
import { fault, textOf } from '../../../workflows/model/fault.js';
import { showsHostKey } from '../../host-key.js';
import type { Target } from './protocol.js';

/**
 * Says which SSH host key was expected and which is shown. Nothing depends on this look: libssh has refused the key already, or
 * was never asked, since none is stored.
 */
export async function identityFault({ name, uri: { host, port }, hostKey }: Target): Promise<ApplicationFailure> {
  const at = `${host} port ${port}`;
  const found = await shown(host, port, hostKey);
  const facts = { host: name, expected: hostKey?.fingerprint ?? null, found };
  if (!hostKey)
    return fault(
      'HostIdentity',
      `no SSH host key is stored for host ${name}, and ${at} shows ${found}: compare it with the host's own, then add the host with it`,
      facts,
    );
  return fault(
    'HostIdentity',
    `host ${name}: ${at} shows the SSH host key ${found}, expected ${hostKey.fingerprint}. Another machine may answer in its place; if the host was made anew, remove it and add it with its new key`,
    facts,
  );
}

/** A key of the expected kind where there is one: a server has several. */
async function shown(address: string, port: number, expected: HostKey | undefined): Promise<string> {
  try {
    return (await showsHostKey({ address, port }, expected?.kind).catch(() => showsHostKey({ address, port })))
      .fingerprint;
  } catch (error) {
    return `none (${textOf(error)})`;
  }
}

/** The line of libssh's `known_hosts`. */
export const knownHosts = (host: string, port: number, { line }: HostKey): string =>
  `${port === 22 ? host : `[${host}]:${port}`} ${line}\n`;
