import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import ssh2 from 'ssh2';
import type { HostSecretName, HostTls } from '../db/hosts.js';
import { Secret } from '../db/secret.js';
import { readHostKey, type HostKey } from '../db/ssh-host-key.js';
import { probe } from '../workflows/client.js';
import { fault } from '../workflows/model/fault.js';
import type { HostUrl } from '../workflows/model/host-url.js';
import type { ProbeAnswer, ProbeRequest } from '../workflows/model/probe.js';
import type { Context } from './command.js';
import { p } from './params.js';

const PEM_LENGTH = 65535;

/** Parameters of what is reached over SSH. */
export const SSH_KEYS = {
  sshprivatekey: p.string({
    description: 'private key to log in with over SSH, in OpenSSH or PEM form, without a passphrase; kept sealed',
    length: PEM_LENGTH,
    sensitive: true,
  }),
  sshhostkey: p.string({
    description: 'host key that is expected, as in /etc/ssh/ssh_host_ed25519_key.pub; without it the answer shows the key that was found, to be compared',
    length: 5120,
  }),
}; // prettier-ignore

export const TLS_KEYS = {
  cacert: p.string({ description: 'certificate of the authority of a +tls host, PEM', length: PEM_LENGTH }),
  clientcert: p.string({ description: 'client certificate for a +tls host, PEM', length: PEM_LENGTH }),
  clientkey: p.string({ description: 'key of the client certificate, PEM; kept sealed', length: PEM_LENGTH, sensitive: true }),
}; // prettier-ignore

interface Asked {
  sshprivatekey?: string;
  sshhostkey?: string;
  cacert?: string;
  clientcert?: string;
  clientkey?: string;
}

export interface ReachedBy {
  secrets: Map<HostSecretName, Secret>;
  hostKey: HostKey | undefined;
}

const bad = (text: string) => fault('BadParameter', text);

/**
 * The keys that something is reached with. Throws `BadParameter` for a key that is malformed, missing or of no use; and, when the
 * host key was not given, with the key that the host shows: it is pinned only once a person has compared it.
 */
export async function readKeys(
  ctx: Context,
  asked: Asked,
  { ssh, tls }: Pick<HostUrl, 'ssh' | 'tls'>,
): Promise<ReachedBy> {
  const secrets = new Map<HostSecretName, Secret>();
  const useless = Object.entries({
    ...(!ssh && { sshprivatekey: asked.sshprivatekey, sshhostkey: asked.sshhostkey }),
    ...(!tls && { cacert: asked.cacert, clientcert: asked.clientcert, clientkey: asked.clientkey }),
  }) // prettier-ignore
    .find(([, value]) => value !== undefined);
  if (useless)
    throw bad(
      `${useless[0]} is of no use: the URL is not reached over ${useless[0].startsWith('ssh') ? 'SSH' : 'TLS'}`,
    );
  if (tls) secrets.set('tls', readTls(asked));
  if (!ssh) return { secrets, hostKey: undefined };
  if (asked.sshprivatekey !== undefined) secrets.set('ssh', readPrivateKey(asked.sshprivatekey));
  if (asked.sshhostkey === undefined) throw await keyToCompare(ctx, ssh);
  const hostKey = readHostKey(asked.sshhostkey);
  if (!hostKey) throw bad('sshhostkey is no public key: expected a line such as "ssh-ed25519 AAAA…", as in /etc/ssh/ssh_host_ed25519_key.pub'); // prettier-ignore
  if (!secrets.has('ssh')) throw bad(`sshprivatekey is missing: ${ssh.host} is reached over SSH with a key`);
  secrets.set('known-host', new Secret(hostKey.line));
  return { secrets, hostKey };
}

async function keyToCompare(ctx: Context, { host, port }: { host: string; port: number }): Promise<Error> {
  const answer = await look(ctx, { address: host, port });
  if (!('key' in answer)) throw fault('Internal', 'a worker was asked for a host key and answered something else');
  const [kind = ''] = answer.key.split(' ');
  const file = `/etc/ssh/ssh_host_${kind.startsWith('ecdsa') ? 'ecdsa' : kind.replace(/^ssh-/, '')}_key.pub`;
  return bad(
    `${host} port ${port} shows the host key ${answer.fingerprint}. Compare it with "ssh-keygen -lf ${file}" on the host itself; if it is the same, call again with sshhostkey=${answer.key}`,
  );
}

/** Has a worker look, since this process reaches no hosts. */
export async function look(ctx: Context, asked: ProbeRequest, id: string = randomUUID()): Promise<ProbeAnswer> {
  if (!ctx.temporal)
    throw fault('HostUnreachable', 'Temporal does not answer yet, so no worker can look at the host: try again');
  return probe(ctx.temporal, id, asked);
}

/** A private key that this service can use: parsed, without a passphrase. The text is never part of an error. */
export function readPrivateKey(text: string): Secret {
  const normal = `${text.replace(/\r\n/g, '\n').trim()}\n`;
  const parsed = ssh2.utils.parseKey(normal);
  if (parsed instanceof Error || Array.isArray(parsed) || !parsed.isPrivateKey())
    throw bad(
      'sshprivatekey is no private key without a passphrase: expected "-----BEGIN OPENSSH PRIVATE KEY-----" and what follows',
    );
  return new Secret(normal);
}

function readTls({ cacert, clientcert, clientkey }: Asked): Secret {
  if (cacert === undefined || clientcert === undefined || clientkey === undefined)
    throw bad('a +tls host needs all of cacert, clientcert and clientkey');
  certificate('cacert', cacert);
  const client = certificate('clientcert', clientcert);
  let key;
  try {
    key = createPrivateKey(clientkey);
  } catch {
    throw bad('clientkey is no private key in PEM form without a passphrase');
  }
  if (!client.checkPrivateKey(key)) throw bad('clientkey is not the key of clientcert');
  return new Secret(JSON.stringify({ cacert, clientcert, clientkey } satisfies HostTls));
}

function certificate(name: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch {
    throw bad(`${name} is no certificate in PEM form: expected "-----BEGIN CERTIFICATE-----" and what follows`);
  }
}
