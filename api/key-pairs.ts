import { createHash } from 'node:crypto';
import ssh2 from 'ssh2';
import { addKeyPair, listKeyPairs, type KeyPairListRow } from '../db/keypairs.js';
import { newSshKeyPair } from '../db/ssh-key-pair.js';
import { fault } from '../workflows/model/fault.js';
import type { Context } from './command.js';
import { newOwner, type OwnershipParams } from './ownership.js';

/** MD5 of the key's bytes in colon-separated hex: the form in which the original shows fingerprints. */
const fingerprintOf = (blob: Buffer): string => createHash('md5').update(blob).digest('hex').match(/../g)!.join(':');

/** A new ed25519 pair in OpenSSH's formats. */
export const generateKeyPair = (comment: string): { public: string; private: string } =>
  newSshKeyPair(comment.replace(/\s+/g, '-'));

/** The public key, in one line, and its fingerprint; throws `BadParameter` when the text is none. */
export function readPublicKey(text: string): { line: string; fingerprint: string } {
  const line = text.trim().replace(/\s+/g, ' ');
  const parsed = ssh2.utils.parseKey(line);
  if (parsed instanceof Error || Array.isArray(parsed) || parsed.isPrivateKey()) {
    throw fault(
      'BadParameter',
      'Public key is invalid: expected an OpenSSH public key such as "ssh-ed25519 AAAA… comment"',
    );
  }
  return { line, fingerprint: fingerprintOf(parsed.getPublicSSH()) };
}

/** Stores a public key for the owner that the parameters name. Throws `BadParameter` when its name or the key is taken. */
export async function storeKeyPair(
  ctx: Context,
  params: Pick<OwnershipParams, 'account' | 'domainid' | 'projectid'> & { name: string },
  publicKey: string,
  eventType: string,
): Promise<KeyPairListRow> {
  const owner = { ...(await newOwner(ctx, params)), userId: ctx.caller.user.uuid };
  const { line, fingerprint } = readPublicKey(publicKey);
  const stored = await addKeyPair(ctx.db, owner, { name: params.name, fingerprint, publicKey: line }, eventType);
  if ('taken' in stored) {
    throw fault(
      'BadParameter',
      stored.taken === 'name'
        ? `A key pair with name '${params.name}' already exists.`
        : 'A key pair with this public key already exists.',
    );
  }
  const { rows } = await listKeyPairs(ctx.db, { id: stored.uuid, owners: { kind: 'all' } }, { offset: 0 });
  return rows[0]!;
}
