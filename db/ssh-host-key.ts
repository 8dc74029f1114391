import { createHash } from 'node:crypto';
import ssh2 from 'ssh2';

/** The public key of an SSH server. */
export interface HostKey {
  /** `ssh-ed25519`, `ssh-rsa`, … */
  kind: string;
  /** `ssh-ed25519 AAAA…`: how it is given, kept and compared. */
  line: string;
  /** `SHA256:…`, as `ssh-keygen -l` shows it. */
  fingerprint: string;
}

export function hostKeyOf(blob: Buffer): HostKey {
  const kind = blob.subarray(4, 4 + blob.readUInt32BE(0)).toString('ascii');
  const hash = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '');
  return { kind, line: `${kind} ${blob.toString('base64')}`, fingerprint: `SHA256:${hash}` };
}

/** The key in a line of `/etc/ssh/ssh_host_*_key.pub`, or undefined when the text is none. */
export function readHostKey(text: string): HostKey | undefined {
  const [kind = '', encoded = ''] = text.trim().split(/\s+/);
  const parsed = ssh2.utils.parseKey(`${kind} ${encoded}`);
  if (parsed instanceof Error || Array.isArray(parsed) || parsed.isPrivateKey()) return undefined;
  return hostKeyOf(parsed.getPublicSSH());
}
