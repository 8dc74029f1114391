import ssh2 from 'ssh2';
import { fault, textOf } from '../workflows/model/fault.js';
import { hostKeyOf, type HostKey } from '../db/ssh-host-key.js';

/** Signature algorithms of each kind of host key, so that a server shows the one that is asked for. */
const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};
const PREFERRED = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa'];

export interface SshAddress {
  address: string;
  port: number;
}

/**
 * The host key that an SSH server shows; nothing is sent to it and nobody logs in. `kind`: ask for a key of this kind only. Throws
 * `HostUnreachable` when it does not answer as one.
 */
export function showsHostKey({ address, port }: SshAddress, kind?: string, limitMs = 10_000): Promise<HostKey> {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    let key: Buffer | undefined;
    const failed = (error: Error) => {
      client.destroy();
      if (key) return;
      reject(fault('HostUnreachable', `${address} port ${port} does not answer as an SSH server: ${textOf(error)}`, { address, port })); // prettier-ignore
    };
    client.on('error', failed);
    client.on('close', () => failed(new Error('it closed the connection')));
    const kinds = kind === undefined ? PREFERRED : [kind];
    client.connect({
      host: address,
      port,
      username: 'nobody',
      readyTimeout: limitMs,
      algorithms: {
        serverHostKey: kinds.flatMap((each) => ALGORITHMS[each] ?? [each]) as ssh2.ServerHostKeyAlgorithm[],
      },
      hostVerifier: (shown: Buffer) => {
        key = shown;
        resolve(hostKeyOf(shown));
        client.destroy();
        return false;
      },
    });
  });
}
